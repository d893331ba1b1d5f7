import assert from "node:assert/strict";
import { once } from "node:events";
import { after, test } from "node:test";
import type { RawManifest } from "../../../src/core/manifest.ts";
import type { AuditEvent } from "../../../src/server/audit.ts";
import type { OpenBlob } from "../../../src/server/v2/backend.ts";
import { openAccess } from "../../../src/server/v2/open-access.ts";
import { MemoryBackend } from "../../support/server/memory-backend.ts";
import { startV2Server } from "../../support/server/v2-server.ts";
import {
  accept,
  admissionWorld,
  image,
  layerOf,
  people,
  repositoryOf,
  signedBy,
  type World,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

const repo = "docker.io/library/app";
const containerd = "containerd/1.6.20";

/** Gives a blob's first half, and the second when it is let. */
class HalfBackend extends MemoryBackend {
  readonly rest = Promise.withResolvers<void>();

  override async openBlob(): Promise<OpenBlob> {
    const { rest } = this;
    return {
      size: 20,
      async *read(_range, signal) {
        yield Buffer.from("0123456789");
        await Promise.race([rest.promise, once(signal, "abort")]);
        yield Buffer.from("0123456789");
      },
      async [Symbol.asyncDispose]() {},
    };
  }
}

async function server(world: World, backend = new MemoryBackend(), mayPush = false) {
  const held = backend.at(repo);
  const notes: AuditEvent[] = [];
  const face = await startV2Server({
    route: () => repositoryOf(repo),
    backendOf: () => backend,
    admission: world.admission,
    access: {
      ...openAccess,
      allows: (_caller, _repository, action) => mayPush || action === "pull",
    },
    audit: { note: (event) => void notes.push(event) },
  });
  return {
    notes,
    blobs: held.blobs,
    push(tag: string, manifest: RawManifest) {
      held.manifests.set(manifest.digest, manifest);
      held.tags.set(tag, manifest.digest);
    },
    ask: (method: string, path: string, agent = "curl/8") =>
      fetch(`${face.origin}/v2/library/app/${path}`, { method, headers: { "user-agent": agent } }),
    [Symbol.asyncDispose]: () => face[Symbol.asyncDispose](),
  };
}

test("of an image that is refused no byte leaves, and each client reads why", async () => {
  await using world = await admissionWorld(
    { scopes: [{ repositories: ["**"], strictBlobs: true }] },
    { [repo]: [signedBy("ann.pub")] },
    { "ann.pub": folk.keys.ann },
  );
  await using http = await server(world);
  const one = image("one");
  http.push("v1", one);
  for (const reference of ["v1", one.digest]) {
    const refused = await http.ask("GET", `manifests/${reference}`, containerd);
    assert.equal(refused.status, 403);
    const text = await refused.text();
    assert.ok(!text.includes("schemaVersion"));
    const { errors } = JSON.parse(text) as {
      errors: { code: string; message: string; detail: { decision: string } }[];
    };
    assert.equal(errors[0]?.code, "DENIED");
    assert.equal(errors[0]?.message, "policy: A signature was required, but no signature exists");
    assert.ok(world.admission.decisions.get(errors[0]?.detail.decision ?? ""));
    assert.equal((await http.ask("HEAD", `manifests/${reference}`, containerd)).status, 200);
    assert.equal((await http.ask("HEAD", `manifests/${reference}`)).status, 403);
  }
  assert.equal((await http.ask("GET", `blobs/${layerOf("one")}`)).status, 403);
  assert.ok(http.notes.every(({ type, decision }) => type === "refused" && decision));
});

test("a tag that was moved to another's image does not come in by HEAD and digest", async () => {
  await using world = await admissionWorld(
    {},
    { [repo]: [signedBy("ann.pub")] },
    { "ann.pub": folk.keys.ann },
  );
  await using http = await server(world);
  const two = image("two");
  world.signatures.put(repo, two.digest, folk.sign("ann", `${repo}:v2`, two.digest));
  http.push("v1", two);
  http.push("v2", two);
  const head = await http.ask("HEAD", "manifests/v1", containerd);
  assert.equal(head.status, 403);
  assert.equal(head.headers.get("docker-content-digest"), null);
  assert.equal((await http.ask("HEAD", "manifests/v2", containerd)).status, 200);
  assert.equal((await http.ask("GET", `manifests/${two.digest}`, containerd)).status, 200);
  const [pulled] = http.notes.filter(({ type }) => type === "pull");
  assert.match(pulled?.policy ?? "", /^[0-9a-f]{64}$/);
});

test("a block cuts off what is being sent, and no one gets the whole of it", async () => {
  await using world = await admissionWorld({}, { [repo]: [accept] });
  const backend = new HalfBackend();
  await using http = await server(world, backend);
  const one = image("one");
  http.push("v1", one);
  await http.ask("GET", "manifests/v1");
  const whole = await http.ask("GET", `blobs/${layerOf("one")}`);
  const cut = assert.rejects(whole.text());
  world.admission.blocks.add({ digest: one.digest, reason: "bad" });
  await cut;
  backend.rest.resolve();
  const later = await http.ask("GET", `blobs/${layerOf("one")}`);
  assert.equal(later.status, 403);
  assert.match(await later.text(), /policy: blocked: bad/);
});

test("who pushes is told by HEAD what is here, and gets no byte of it", async () => {
  await using world = await admissionWorld(
    { scopes: [{ repositories: ["**"], strictBlobs: true }] },
    {},
  );
  await using http = await server(world, new MemoryBackend(), true);
  const one = image("one");
  const layer = `blobs/${layerOf("one")}`;
  assert.equal((await http.ask("HEAD", layer)).status, 404);
  http.push("v1", one);
  http.blobs.set(layerOf("one"), Buffer.from("layer"));
  const asked: readonly (readonly [path: string, head: number])[] = [
    [layer, 200],
    [`manifests/${one.digest}`, 200],
    ["manifests/v1", 403],
  ];
  for (const [path, head] of asked) {
    assert.equal((await http.ask("HEAD", path)).status, head, path);
    assert.equal((await http.ask("GET", path)).status, 403, path);
  }
  world.admission.blocks.add({ digest: layerOf("one"), reason: "bad" });
  assert.equal((await http.ask("HEAD", layer)).status, 403);
});
