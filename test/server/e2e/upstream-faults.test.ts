import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { makeImage } from "../../support/images.ts";
import {
  cutResponse,
  type Fault,
  flipByte,
  hang,
  longBody,
  refuse,
  reset,
  shortBody,
} from "../../support/registry/faults.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { type Answer, call } from "../../support/server/client.ts";
import { type ServerProcess, startServerProcess } from "../../support/server/server-process.ts";
import { tempFolder } from "../../support/temp.ts";

const isSoak = process.env["AMPHORA_SOAK"] === "1";
const layerBytes = 400_000;
const step = isSoak ? 16_384 : 131_072;
const readers = 3;

const stack = new AsyncDisposableStack();
let registry: Registry;
let server: ServerProcess;

before(async () => {
  registry = stack.use(await startRegistry());
  const folder = stack.use(await tempFolder());
  const yaml = `
log: {requests: false}
upstreams: [{name: up.example, alias: up, url: "${registry.origin}", fresh-for: 0s, answer-within: 10s}]
`;
  server = stack.use(await startServerProcess({ folder, yaml }));
});
after(() => stack.disposeAsync());

let count = 0;

/** An image that the server has never seen, in a repository of its own. */
function freshImage() {
  const image = makeImage({ seed: ++count, layers: 1, layerBytes, compression: "none" });
  const name = `app${count}`;
  registry.seed(name, "v1", image);
  const [layer] = image.layers;
  assert.ok(layer);
  return { at: `/v2/up/${name}`, image, layer, digest: image.digest };
}

/** Of each who reads at once: the answer where it came whole. */
async function readAtOnce(path: string): Promise<(Answer | undefined)[]> {
  return await Promise.all(
    Array.from({ length: readers }, () => call(server.url, "GET", path).catch(() => undefined)),
  );
}

function assertRightOrNone(answers: readonly (Answer | undefined)[], digest: string, why: string) {
  for (const answer of answers) {
    if (answer?.status === 200) assert.equal(digestOf(answer.body), digest, why);
    else assert.ok(answer === undefined || answer.status >= 400, why);
  }
}

async function assertCompletes(path: string, digest: string, why: string): Promise<void> {
  const answer = await call(server.url, "GET", path);
  assert.equal(answer.status, 200, `${why}: ${answer.body.subarray(0, 200)}`);
  assert.equal(digestOf(answer.body), digest, why);
}

const ends = ["reset", "close"] as const;

test("an upstream that dies at any chunk of a blob gives its readers all of it, or an error", async (t) => {
  let whole = 0;
  for (let at = 0; at < layerBytes; at += step) {
    for (const ending of ends) {
      const { at: base, layer } = freshImage();
      const why = `${ending} at ${at}`;
      const fault = cutResponse(at, ending);
      // Each try to go on dies as well, further on.
      const rule = registry.behave({ on: "GET blob", times: 1 + ((at / step) % 8), fault });
      const path = `${base}/blobs/${layer.digest}`;
      const answers = await readAtOnce(path);
      assertRightOrNone(answers, layer.digest, why);
      whole += answers.filter((answer) => answer?.status === 200).length;
      rule.stop();
      await assertCompletes(path, layer.digest, why);
    }
  }
  t.diagnostic(`${whole} readers got all of it in spite of that`);
});

const lies: Readonly<Record<string, Fault>> = {
  "a byte that is another": flipByte(200_000),
  "the last byte another": flipByte(layerBytes),
  "bytes too few": shortBody(1000),
  "bytes too many": longBody(1000),
  nothing: reset(),
  "an error": refuse(500),
  "too many requests": refuse(429, { retryAfter: 1 }),
};

for (const [what, fault] of Object.entries(lies)) {
  test(`an upstream that sends ${what} gives no reader a wrong blob, nor a wrong manifest`, async () => {
    const { at, layer, digest } = freshImage();
    const rule = registry.behave({ on: /GET (?:blob|manifest)/, times: 1000, fault });
    for (const [path, expected] of [
      [`${at}/blobs/${layer.digest}`, layer.digest],
      [`${at}/manifests/v1`, digest],
      [`${at}/manifests/${digest}`, digest],
    ] as const) {
      assertRightOrNone(await readAtOnce(path), expected, path);
    }
    rule.stop();
    await assertCompletes(`${at}/blobs/${layer.digest}`, layer.digest, what);
    assert.equal((await call(server.url, "GET", `${at}/manifests/${digest}`)).status, 200);
  });
}

test("an upstream that is silent keeps nobody else waiting", async () => {
  const silent = freshImage();
  const other = freshImage();
  const isSilent = ({ repository }: { repository: string }) => silent.at.endsWith(`/${repository}`);
  const rule = registry.behave({ on: isSilent, times: 1000, fault: hang() });
  const waiting = new AbortController();
  const asked = fetch(`${server.url}${silent.at}/manifests/v1`, { signal: waiting.signal });
  await assertCompletes(`${other.at}/manifests/v1`, other.digest, "another repository");
  waiting.abort();
  await assert.rejects(asked);
  rule.stop();
});
