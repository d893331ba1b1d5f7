import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { KnownError } from "../../src/core/errors.ts";
import { Engine, noticesSilence } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import {
  cutResponse,
  dropRequest,
  type Fault,
  flipByte,
  hang,
  ignoreRange,
  longBody,
  loseReply,
  loseUpload,
  redirect,
  refuse,
  reset,
  setHeaders,
  setStatus,
  shortBody,
  stallRequest,
  stallResponse,
} from "../support/registry/faults.ts";
import type { Rule } from "../support/registry/rules.ts";
import { type Registry, type RegistryOptions, startRegistry } from "../support/registry.ts";
import { makePki, type Pki } from "../support/tls.ts";

const image = makeImage({ seed: 50, layers: 2, layerBytes: 3_000_000 });
const half = 1_500_000;
const always = Number.POSITIVE_INFINITY;

interface FaultCase {
  readonly name: string;
  readonly source?: readonly Rule[];
  readonly destination?: readonly Rule[];
  readonly features?: RegistryOptions["features"];
  /** Codes that may come out, of the error or one underneath; without them the copy has to succeed. */
  readonly fails?: readonly string[];
  /** It is time that tells. */
  readonly silent?: true;
  /** Bytes of blobs that may be read again from the source. Default: 4 MB. */
  readonly readAgain?: number;
}

const later = { retryAfter: 1 } as const;
const date = () => new Date(Date.now() + 2000);
const on = (template: string, fault: Fault, more: Partial<Rule> = {}): Rule => ({
  on: template,
  fault,
  ...more,
});
const big = (fault: Fault, more: Partial<Rule> = {}): Rule => ({
  // Layers, not the config.
  on: (operation) =>
    operation.template === "GET blob" &&
    image.layers.some((layer) => layer.digest === operation.reference),
  fault,
  ...more,
});
const bigPut = (fault: Fault, more: Partial<Rule> = {}): Rule => ({
  on: ({ template, url }) =>
    template.startsWith("PUT upload") &&
    image.layers.some((layer) => layer.digest === url.searchParams.get("digest")),
  fault,
  ...more,
});

/** The faults of `specs/registry.md` 4.1 and 8.2, one by one. */
const cases: readonly FaultCase[] = [
  { name: "the source drops a layer once", source: [big(cutResponse(half))], readAgain: 1_600_000 },
  {
    name: "the source closes early",
    source: [big(cutResponse(half, "close"))],
    readAgain: 1_600_000,
  },
  {
    name: "the source drops three times",
    source: [big(cutResponse(half), { times: 3 })],
    readAgain: 4_600_000,
  },
  { name: "the source drops before the first byte", source: [big(reset())] },
  { name: "the source drops the manifest", source: [on("GET manifest", cutResponse(50))] },
  { name: "the source stalls", source: [big(stallResponse(half))], silent: true },
  { name: "the source never answers", source: [big(hang())], silent: true },
  { name: "the source hangs on the manifest", source: [on("GET manifest", hang())], silent: true },
  { name: "429 on a blob", source: [big(refuse(429, later))] },
  { name: "429 with a date on a blob", source: [big(refuse(429, { retryAfter: date() }))] },
  { name: "429 without a word when to come again", source: [big(refuse(429), { times: 2 })] },
  { name: "429 on the manifest", source: [on("GET manifest", refuse(429, later))] },
  { name: "503 on a blob", source: [big(refuse(503))] },
  { name: "500 on a blob", source: [big(refuse(500))] },
  { name: "502 on a blob", source: [big(refuse(502))] },
  { name: "504 on the manifest", source: [on("GET manifest", refuse(504))] },
  { name: "408 on the manifest", source: [on("GET manifest", refuse(408))] },
  {
    name: "the source ignores the range",
    source: [big(cutResponse(half)), big(ignoreRange(), { nth: 3 })],
  },
  {
    name: "a wrong Content-Range",
    source: [
      big(cutResponse(half)),
      big(setHeaders({ "content-range": "bytes 5-10/11" }), { nth: 3 }),
    ],
    readAgain: 10_000_000,
  },
  {
    name: "a flipped byte, once",
    source: [big(flipByte(half))],
    fails: ["content.digest-mismatch"],
  },
  {
    name: "a flipped byte, always",
    source: [big(flipByte(half), { times: always })],
    fails: ["content.digest-mismatch"],
  },
  {
    name: "a short layer, always",
    source: [big(shortBody(10), { times: always })],
    fails: ["content.size-mismatch", "registry.connection-lost", "registry.source-failed"],
  },
  {
    name: "a long layer, always",
    source: [big(longBody(10), { times: always })],
    fails: ["content.size-mismatch", "content.too-large", "registry.bad-response"],
  },
  {
    name: "a flipped manifest",
    source: [on("GET manifest", flipByte(20), { times: always })],
    fails: ["content.digest-mismatch", "content.bad-manifest"],
  },
  {
    name: "no digest header",
    source: [
      on("GET manifest", setHeaders({ "docker-content-digest": undefined })),
      on("HEAD manifest", setHeaders({ "docker-content-digest": undefined })),
    ],
  },
  {
    name: "a digest header of another algorithm",
    source: [
      on("GET manifest", setHeaders({ "docker-content-digest": `sha512:${"a".repeat(128)}` })),
    ],
  },
  {
    name: "HEAD is not answered right",
    source: [on("HEAD manifest", setStatus(405), { times: always })],
    destination: [on("HEAD manifest", setStatus(403), { times: always })],
  },
  { name: "429 on opening an upload", destination: [on("POST uploads", refuse(429, later))] },
  { name: "429 on the upload, early", destination: [on("PUT upload", refuse(429, later))] },
  {
    name: "429 on the upload, late",
    destination: [on("PUT upload", refuse(429, { ...later, afterBody: true }))],
  },
  { name: "503 on the upload, early", destination: [on("PUT upload", refuse(503))] },
  {
    name: "503 on the upload, late",
    destination: [on("PUT upload", refuse(503, { afterBody: true }))],
  },
  { name: "500 on the upload", destination: [on("PUT upload", refuse(500, { afterBody: true }))] },
  { name: "429 on the manifest's PUT", destination: [on("PUT manifest", refuse(429, later))] },
  { name: "503 on the manifest's PUT", destination: [on("PUT manifest", refuse(503))] },
  { name: "reset on the manifest's PUT", destination: [on("PUT manifest", reset())] },
  {
    name: "the manifest's PUT done, but unanswered",
    destination: [on("PUT manifest", loseReply())],
  },
  { name: "reset in mid-upload", destination: [bigPut(dropRequest(half))] },
  {
    name: "reset in mid-upload, three times",
    destination: [bigPut(dropRequest(half), { times: 3 })],
    readAgain: 20_000_000,
  },
  {
    name: "reset in mid-upload where nothing can be resumed",
    destination: [bigPut(dropRequest(half))],
    features: { resumable: false },
    readAgain: 8_000_000,
  },
  {
    name: "the upload closed in the middle",
    destination: [bigPut(dropRequest(half, "close"))],
  },
  { name: "the upload done, but unanswered", destination: [on("PUT upload", loseReply())] },
  { name: "the upload stalls", destination: [bigPut(stallRequest(half))], silent: true },
  { name: "the upload is never answered", destination: [on("PUT upload", hang())], silent: true },
  {
    name: "the session is lost",
    destination: [on("PUT upload", loseUpload())],
    readAgain: 8_000_000,
  },
  {
    name: "an upload too large, always",
    destination: [on("PUT upload", refuse(413, { code: "SIZE_INVALID" }), { times: always })],
    fails: ["registry.upload-failed"],
  },
  { name: "a relative Location", features: { location: "relative" } },
  { name: "a Location that is a path", features: { location: "path" } },
  { name: "a Location for one use", features: { singleUseLocation: true } },
  {
    name: "a Location with a query to keep",
    features: { locationQuery: { _nouploadcache: "false" } },
  },
  { name: "no PUT with a body", features: { putBody: false }, readAgain: 6_100_000 },
  { name: "no digest anywhere", features: { digestHeader: false } },
  { name: "no mount", features: { anonymousMount: 405, mount: 405 } },
  { name: "single POST", features: { singlePost: true } },
  {
    name: "denied, always",
    destination: [on("POST uploads", refuse(403, { code: "DENIED" }), { times: always })],
    fails: ["registry.denied"],
  },
  {
    name: "503, always",
    source: [big(refuse(503), { times: always })],
    fails: ["registry.unavailable"],
  },
  {
    name: "redirects without end",
    source: [
      big(
        redirect((exchange) => exchange.operation.url.pathname),
        { times: always },
      ),
    ],
    fails: ["registry.bad-redirect", "registry.bad-response"],
  },
  {
    name: "a redirect to a file",
    source: [big(redirect("file:///etc/passwd"), { times: always })],
    fails: ["registry.bad-redirect"],
  },
];

suite("copy() goes on, or ends with a known error, where", { concurrency: 4 }, () => {
  for (const one of cases) test(one.name, { timeout: 300_000 }, () => suffer(one));
});

const overTls = [
  "the source drops a layer once",
  "the source closes early",
  "the source stalls",
  "429 on the upload, early",
  "503 on the upload, late",
  "reset in mid-upload",
  "the upload closed in the middle",
  "the upload stalls",
  "the upload done, but unanswered",
];

suite("copy() goes on over TLS where", { skip: skipWithout("openssl") }, () => {
  let pki: Pki;
  before(async () => {
    pki = await makePki();
  });
  after(() => pki[Symbol.asyncDispose]());
  for (const one of cases.filter(({ name }) => overTls.includes(name))) {
    test(one.name, { timeout: 300_000 }, () => suffer(one, pki));
  }
});

async function suffer(one: FaultCase, pki?: Pki): Promise<void> {
  const tls = pki && { tls: { key: pki.server.key, cert: pki.server.cert } };
  await using source = await startRegistry({ ...tls });
  await using destination = await startRegistry({
    ...tls,
    ...(one.features && { features: one.features }),
  });
  source.seed("from", "v1", image);
  for (const rule of one.source ?? []) source.behave(rule);
  for (const rule of one.destination ?? []) destination.behave(rule);
  await using engine = new Engine({
    ...(pki && { ca: pki.ca.cert }),
    ...(one.silent && noticesSilence),
  });
  const copied = engine.copy(
    `docker://${source.host}/from:v1`,
    `docker://${destination.host}/to:v1`,
  );
  if (one.fails) {
    await assert.rejects(copied, (error) => hasCode(error, one.fails ?? []));
    assert.equal(destination.store.open("to").resolve("v1"), undefined);
  } else {
    assert.equal(await copied, image.digest);
    assert.equal(destination.store.open("to").resolve("v1"), image.digest);
    // Where time tells, a busy machine may be taken for a silent one, and read from again.
    if (!one.silent) assertReadOnce(source, one.readAgain);
  }
  await assertBlobsAreTrue(destination);
}

/** All was read from the source, and no more than `again` bytes twice. */
function assertReadOnce(source: Registry, again = 4_000_000): void {
  const sizes = [...image.blobs.values()].reduce((sum, bytes) => sum + bytes.byteLength, 0);
  const read = source.log.of("GET blob").reduce((sum, entry) => sum + entry.bytesOut, 0);
  assert.ok(read <= sizes + again, `read ${read} bytes for ${sizes}`);
}

/** Whether the error or one it was caused by has one of these codes; says which it had if not. */
function hasCode(error: unknown, codes: readonly string[]): true {
  const found: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause as Error) {
    found.push(at instanceof KnownError ? at.code : `${at.name}: ${at.message}`);
  }
  assert.ok(
    found.some((code) => codes.includes(code)),
    `${found.join(" < ")} instead of ${codes.join(" or ")}`,
  );
  return true;
}

async function assertBlobsAreTrue(registry: Registry): Promise<void> {
  for (const [digest, blob] of registry.store.open("to").blobs) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of blob.read(0, blob.size)) chunks.push(chunk);
    assert.equal(digestOf(Buffer.concat(chunks)), digest);
  }
}
