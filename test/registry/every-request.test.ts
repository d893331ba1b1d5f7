import assert from "node:assert/strict";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import {
  cutResponse,
  dropRequest,
  type Fault,
  hang,
  loseReply,
  refuse,
  reset,
} from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { startTokenServer } from "../support/token-server.ts";
import { assertHolds, copyThrough, testHost } from "./support.ts";

const image = makeImage({ layers: 2, layerBytes: 200_000, compression: "none" });
/** Where it is time that tells. */
const soon = {
  timeouts: { headersMs: 200, readIdleMs: 200, writeIdleMs: 200 },
  limits: { finishMs: 200 },
};

const faults: Readonly<Record<string, Fault>> = {
  reset: reset(),
  "an answer lost": loseReply(),
  "an answer cut": cutResponse(70_000),
  "a request cut": dropRequest(70_000),
  "no answer": hang(),
  "status 503": refuse(503),
  "status 503 after the body": refuse(503, { afterBody: true }),
  "status 429 with Retry-After": refuse(429, { retryAfter: 3 }),
  "status 500": refuse(500),
};

/** Copies with the nth request of one end failing, for every n there is; says how many there were. */
async function failEach(
  end: "source" | "destination",
  fault: Fault,
  resumable: boolean,
): Promise<number> {
  for (let nth = 1; ; nth++) {
    await using tokens = await startTokenServer({ users: { ann: "secret" } });
    const { issuer, realm } = tokens;
    const access = { kind: "bearer", issuer, realm } as const;
    await using source = await startRegistry({ access });
    await using destination = await startRegistry({ access, features: { resumable } });
    source.seed("app", "v1", image);
    const faulty: Registry = end === "source" ? source : destination;
    const rule = faulty.behave({ nth, fault });
    await copyOnce(source, destination, fault === faults["no answer"] ? soon : {});
    assertHolds(destination, "copy", image);
    if (rule.hits === 0) return nth - 1;
  }
}

async function copyOnce(
  source: Registry,
  destination: Registry,
  timing: Partial<typeof soon> = {},
): Promise<void> {
  const credentials = { username: "ann", password: "secret" };
  const options = { ...timing, credentials };
  await using from = testHost(source.host, options);
  await using to = testHost(destination.host, options);
  await using writing = to.host.repository("copy", "write");
  await writing.headManifest("v1", { signal: AbortSignal.timeout(300_000) });
  await copyThrough(from.host.repository("app", "read"), writing, image);
}

for (const [name, fault] of Object.entries(faults)) {
  for (const end of ["source", "destination"] as const) {
    test(`Repository copies whichever request of the ${end} meets ${name}`, {
      timeout: 300_000,
    }, async () => {
      const requests = await failEach(end, fault, true);
      assert.ok(requests >= (end === "source" ? 5 : 8), `only ${requests} requests`);
    });
  }
}

test("Repository copies whichever request is cut by a registry that cannot resume", {
  timeout: 300_000,
}, async () => {
  await failEach("destination", dropRequest(70_000), false);
});

test("Repository copies though every third request to both registries fails", {
  timeout: 300_000,
}, async () => {
  await using source = await startRegistry();
  await using destination = await startRegistry();
  source.seed("app", "v1", image);
  for (const registry of [source, destination]) {
    for (let nth = 3; nth < 300; nth += 3)
      registry.behave({ nth, fault: nth % 2 ? reset() : refuse(502) });
  }
  await copyOnce(source, destination);
  assertHolds(destination, "copy", image);
});
