import assert from "node:assert/strict";
import { test } from "node:test";
import type { RegistryErrorCode } from "../../src/registry/errors.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import { makeImage } from "../support/images.ts";
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
import type { Features } from "../support/registry/features.ts";
import type { Rule } from "../support/registry/rules.ts";
import { startRegistry } from "../support/registry.ts";
import { assertHolds, copyThrough, testHost } from "./support.ts";

/** One row: what happens, at which end, and what comes of it. */
interface Row {
  readonly name: string;
  readonly at: "source" | "destination";
  readonly rules: readonly Rule[];
  readonly features?: Partial<Features>;
  readonly silent?: true;
  /** Absent: the copy succeeds. */
  readonly fails?: RegistryErrorCode | "content.too-large" | "content.digest-mismatch";
}

const layerBytes = 3_000_000;
/** Where it is time that tells. */
const soon = {
  timeouts: { headersMs: 300, readIdleMs: 300, writeIdleMs: 300 },
  limits: { finishMs: 300 },
};
const blob = (fault: Fault, rule: Partial<Rule> = {}): Rule => ({
  on: "GET blob",
  nth: 2,
  fault,
  ...rule,
});
const put = (fault: Fault, rule: Partial<Rule> = {}): Rule => ({
  on: "PUT upload",
  nth: 2,
  fault,
  ...rule,
});

const rows: readonly Row[] = [
  { name: "source drops once", at: "source", rules: [blob(cutResponse(300_000))] },
  { name: "source closes early", at: "source", rules: [blob(cutResponse(300_000, "close"))] },
  {
    name: "source drops three times in a row",
    at: "source",
    rules: [blob(cutResponse(300_000), { times: 3 })],
  },
  {
    name: "source drops again and again, with progress each time",
    at: "source",
    rules: [blob(cutResponse(400_000), { times: 20 })],
  },
  {
    name: "source drops without end, before the first byte",
    at: "source",
    rules: [blob(reset(), { times: 1000 })],
    fails: "registry.unreachable",
  },
  {
    name: "source gives a few bytes each time",
    at: "source",
    rules: [blob(cutResponse(10), { times: 1000 })],
    fails: "registry.source-failed",
  },
  {
    name: "source ignores the range",
    at: "source",
    rules: [blob(cutResponse(300_000)), blob(ignoreRange(), { nth: 3 })],
  },
  {
    name: "source answers another range",
    at: "source",
    rules: [
      blob(cutResponse(300_000)),
      { on: "GET blob", nth: 3, fault: setHeaders({ "content-range": "bytes 5-9/10" }) },
    ],
  },
  {
    name: "source stalls in a body",
    at: "source",
    rules: [blob(stallResponse(300_000))],
    silent: true,
  },
  { name: "source never answers", at: "source", rules: [blob(hang())], silent: true },
  {
    name: "source sends a whole body that is too short",
    at: "source",
    rules: [blob(shortBody(1000))],
  },
  {
    name: "source sends too much",
    at: "source",
    rules: [blob(longBody(10))],
    fails: "registry.source-failed",
  },
  {
    name: "source sends other bytes",
    at: "source",
    rules: [blob(flipByte(100_000))],
    fails: "registry.source-failed",
  },
  ...[408, 425, 429, 500, 502, 503, 504, 499, 520].map(
    (status): Row => ({
      name: `source answers ${status} to a blob`,
      at: "source",
      rules: [blob(refuse(status), { times: 2 })],
    }),
  ),
  {
    name: "source asks to wait for seconds",
    at: "source",
    rules: [blob(refuse(429, { retryAfter: 7 }))],
  },
  {
    name: "source asks to wait until a date",
    at: "source",
    rules: [blob(refuse(503, { retryAfter: new Date(Date.now() + 9000) }))],
  },
  {
    name: "source asks to wait for an hour",
    at: "source",
    rules: [{ on: "GET manifest", fault: refuse(429, { retryAfter: 3600 }), times: 9 }],
    fails: "registry.rate-limited",
  },
  {
    name: "source answers 404 to a blob",
    at: "source",
    rules: [blob(refuse(404, { code: "BLOB_UNKNOWN" }))],
    fails: "registry.not-found",
  },
  {
    name: "source answers 403 to a blob",
    at: "source",
    rules: [blob(refuse(403, { code: "DENIED" }))],
    fails: "registry.denied",
  },
  {
    name: "source drops the manifest",
    at: "source",
    rules: [{ on: "GET manifest", fault: cutResponse(100) }],
  },
  { name: "source resets the first request", at: "source", rules: [{ fault: reset() }] },
  {
    name: "source sends a manifest with a content encoding",
    at: "source",
    rules: [{ on: "GET manifest", fault: setHeaders({ "content-encoding": "gzip" }) }],
    fails: "registry.bad-response",
  },
  {
    name: "source redirects in a circle",
    at: "source",
    rules: [
      blob(
        redirect((exchange) => exchange.request.url ?? ""),
        { times: 1000 },
      ),
    ],
    fails: "registry.bad-redirect",
  },
  ...[429, 500, 503].flatMap((status): Row[] => [
    {
      name: `destination answers ${status} to POST`,
      at: "destination",
      rules: [{ on: "POST uploads", fault: refuse(status), times: 2 }],
    },
    {
      name: `destination answers ${status} to PUT at once`,
      at: "destination",
      rules: [put(refuse(status), { times: 2 })],
    },
    {
      name: `destination answers ${status} to PUT at its end`,
      at: "destination",
      rules: [put(refuse(status, { afterBody: true }), { times: 2 })],
    },
    {
      name: `destination answers ${status} to the manifest`,
      at: "destination",
      rules: [{ on: "PUT manifest", fault: refuse(status), times: 2 }],
    },
  ]),
  {
    name: "destination resets PUT in the middle",
    at: "destination",
    rules: [put(dropRequest(1_000_000))],
  },
  {
    name: "destination resets PUT in the middle three times",
    at: "destination",
    rules: [put(dropRequest(1_000_000), { times: 3 })],
  },
  {
    name: "destination resets PUT in the middle, and does not resume",
    at: "destination",
    features: { resumable: false },
    rules: [put(dropRequest(1_000_000), { times: 3 })],
  },
  {
    name: "destination resets PUT without end",
    at: "destination",
    rules: [put(dropRequest(0), { times: 1000 })],
    fails: "registry.unreachable",
  },
  {
    name: "destination stops reading",
    at: "destination",
    rules: [put(stallRequest(500_000))],
    silent: true,
  },
  { name: "destination never answers PUT", at: "destination", rules: [put(hang())], silent: true },
  {
    name: "destination stores the blob and loses the answer",
    at: "destination",
    rules: [put(loseReply())],
  },
  {
    name: "destination stores the manifest and loses the answer",
    at: "destination",
    rules: [{ on: "PUT manifest", fault: loseReply() }],
  },
  {
    name: "destination opens an upload and loses the answer",
    at: "destination",
    rules: [{ on: "POST uploads", fault: loseReply() }],
  },
  { name: "destination forgets the upload", at: "destination", rules: [put(loseUpload())] },
  {
    name: "destination finds the bytes wrong once",
    at: "destination",
    rules: [put(refuse(400, { code: "DIGEST_INVALID", afterBody: true }))],
  },
  {
    name: "destination finds the bytes wrong twice",
    at: "destination",
    rules: [put(refuse(400, { code: "DIGEST_INVALID" }), { times: 99 })],
    fails: "registry.upload-failed",
  },
  {
    name: "destination stores another blob",
    at: "destination",
    rules: [put(setHeaders({ "docker-content-digest": `sha256:${"0".repeat(64)}` }))],
    fails: "registry.bad-response",
  },
  {
    name: "destination names the blob by another algorithm",
    at: "destination",
    rules: [put(setHeaders({ "docker-content-digest": `sha512:${"0".repeat(128)}` }))],
  },
  {
    name: "destination names no digest",
    at: "destination",
    features: { digestHeader: false },
    rules: [],
  },
  {
    name: "destination names uploads by a path",
    at: "destination",
    features: { location: "path" },
    rules: [],
  },
  {
    name: "destination names uploads relative to the request",
    at: "destination",
    features: { location: "relative" },
    rules: [],
  },
  {
    name: "destination moves the upload with each answer",
    at: "destination",
    features: { singleUseLocation: true },
    rules: [put(dropRequest(1_000_000))],
  },
  {
    name: "destination names no upload",
    at: "destination",
    rules: [{ on: "POST uploads", fault: setHeaders({ location: undefined }), times: 99 }],
    fails: "registry.bad-response",
  },
  {
    name: "destination refuses large bodies early",
    at: "destination",
    rules: [put(refuse(413), { nth: 1 })],
  },
  {
    name: "destination has no PUT with a body",
    at: "destination",
    features: { putBody: false },
    rules: [],
  },
  { name: "destination answers 200 to PUT", at: "destination", rules: [put(setStatus(200))] },
  {
    name: "destination answers 403 to PUT",
    at: "destination",
    rules: [put(refuse(403, { code: "DENIED" }), { times: 99 })],
    fails: "registry.denied",
  },
  {
    name: "destination answers 405 to HEAD",
    at: "destination",
    features: { headStatus: 405 },
    rules: [],
  },
  {
    name: "destination answers 403 to POST",
    at: "destination",
    rules: [
      {
        on: "POST uploads",
        fault: refuse(403, {
          code: "DENIED",
          message: "requested access to the resource is denied",
        }),
        times: 99,
      },
    ],
    fails: "registry.denied",
  },
  {
    name: "destination refuses the manifest",
    at: "destination",
    rules: [{ on: "PUT manifest", fault: refuse(400, { code: "MANIFEST_INVALID" }), times: 99 }],
    fails: "registry.manifest-refused",
  },
  {
    name: "destination does not see the blobs at once",
    at: "destination",
    rules: [{ on: "PUT manifest", fault: refuse(404, { code: "MANIFEST_BLOB_UNKNOWN" }) }],
  },
  {
    name: "destination never sees the blobs",
    at: "destination",
    rules: [
      { on: "PUT manifest", fault: refuse(400, { code: "MANIFEST_BLOB_UNKNOWN" }), times: 99 },
    ],
    fails: "registry.content-missing",
  },
  {
    name: "destination redirects PUT to another path",
    at: "destination",
    rules: [put(redirect((exchange) => exchange.request.url ?? ""))],
  },
];

for (const row of rows) {
  test(`Repository ${row.fails ? "gives up" : "copies on"} where ${row.name}`, {
    timeout: 300_000,
  }, async () => {
    await using source = await startRegistry();
    await using destination = await startRegistry();
    const image = makeImage({ layers: 2, layerBytes, compression: "none" });
    source.seed("app", "v1", image);
    const faulty = row.at === "source" ? source : destination;
    faulty.features = { ...faulty.features, ...row.features };
    const rules = row.rules.map((rule) => faulty.behave(rule));
    const options = row.silent ? soon : {};
    await using from = testHost(source.host, options);
    await using to = testHost(destination.host, options);
    await using writing = to.host.repository("copy", "write");
    const copying = copyThrough(from.host.repository("app", "read"), writing, image);
    if (row.fails === undefined) {
      await copying;
      assertHolds(destination, "copy", image);
    } else {
      await assert.rejects(copying, (error) => {
        assert.ok(error instanceof RegistryError, String(error));
        assert.equal(error.code, row.fails, error.message);
        return true;
      });
      assert.equal(destination.store.repositories.get("copy")?.manifests.size ?? 0, 0);
    }
    for (const rule of rules) assert.ok(rule.hits > 0, "the fault did not happen");
  });
}
