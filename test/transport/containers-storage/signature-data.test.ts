import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEnvelope } from "../../../sigstore/envelope.ts";
import { digestOf, hexOf } from "../../../src/core/digest.ts";
import type { ImageRecord } from "../../../src/storage/image-record.ts";
import type { Store } from "../../../src/storage/store.ts";
import {
  allStoredSignatures,
  hasStoredSignatures,
  readStoredSignatures,
  storeSignatures,
} from "../../../src/transport/containers-storage/signature-data.ts";

const [own, other, third] = ["own", "other", "third"].map((text) => digestOf(Buffer.from(text)));
assert.ok(own && other && third);

const simple = parseEnvelope(Buffer.from("\x88 not looked into", "latin1"));
const sigstore = parseEnvelope(
  Buffer.from(
    '\0sigstore-json\n{"mimeType":"application/vnd.dev.cosign.simplesigning.v1+json","payload":"aGk=","annotations":{"a":"b"}}',
  ),
);

/** A store that has these items for its one image. */
function storeWith(data: ReadonlyMap<string, Uint8Array>): Store {
  return { imageData: async (_: ImageRecord, key: string) => data.get(key) } as unknown as Store;
}

function image(metadata: string): ImageRecord {
  const dataDigests = new Map([["manifest", own]]);
  return { id: "1".repeat(64), metadata, dataDigests, digest: own } as unknown as ImageRecord;
}

test("storeSignatures() keeps what readStoredSignatures() gives back, by manifest and in order", async () => {
  const kept = new Map([
    [own, [simple, sigstore]],
    [other, [sigstore]],
    [third, []],
  ]);
  const { data, metadata } = storeSignatures(kept, own);
  assert.deepEqual(
    [...data.keys()],
    ["signatures", `signature-${hexOf(own)}`, `signature-${hexOf(other)}`],
  );
  const store = storeWith(data);
  assert.deepEqual(await readStoredSignatures(store, image(metadata), own), [simple, sigstore]);
  assert.deepEqual(await readStoredSignatures(store, image(metadata), other), [sigstore]);
  assert.deepEqual(await readStoredSignatures(store, image(metadata), third), []);
  assert.deepEqual(
    await allStoredSignatures(store, image(metadata)),
    new Map([...kept].slice(0, 2)),
  );
  assert.equal(hasStoredSignatures(image(metadata), own), true);
  assert.equal(hasStoredSignatures(image(metadata), third), false);
});

test("storeSignatures() says of no signatures what the Go library says", () => {
  assert.deepEqual(storeSignatures(new Map(), own), { data: new Map(), metadata: "{}" });
});

test("readStoredSignatures() finds those of older tools, which knew one place only", async () => {
  const bytes = Buffer.from("\x88 not looked into", "latin1");
  const old = image(JSON.stringify({ "signature-sizes": [bytes.length] }));
  const store = storeWith(new Map([["signatures", bytes]]));
  assert.deepEqual(await readStoredSignatures(store, old, own), [simple]);
  assert.deepEqual(await readStoredSignatures(store, old, other), []);
});

const damaged: readonly (readonly [metadata: string, bytes: string])[] = [
  ['{"signature-sizes":[5]}', "\x88abc"],
  ['{"signature-sizes":[3]}', "\x88abc"],
  ['{"signature-sizes":[-1]}', "\x88abc"],
  ['{"signature-sizes":', ""],
  ['{"signature-sizes":"3"}', ""],
];

test("readStoredSignatures() tells where a record and its data do not agree", async () => {
  for (const [metadata, bytes] of damaged) {
    const store = storeWith(new Map([["signatures", Buffer.from(bytes, "latin1")]]));
    const reading = readStoredSignatures(store, image(metadata), own);
    await assert.rejects(reading, { code: "transport.unreadable" }, metadata);
  }
});
