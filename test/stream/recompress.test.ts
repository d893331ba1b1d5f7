import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import zlib from "node:zlib";
import { digestOf } from "../../src/core/digest.ts";
import { BlobStream } from "../../src/stream/blob-stream.ts";
import { Compression, type CompressionChange } from "../../src/stream/recompress.ts";
import { codeOf, collect, compressible, failureOf, scribbled } from "./bytes.ts";

const compression = new Compression({ parallel: 2 });
const plain = compressible(10, 2_500_000);
const forms = {
  plain,
  gzip: zlib.gzipSync(plain),
  zstd: zlib.zstdCompressSync(plain),
} as const;

function blobOf(bytes: Uint8Array, release = () => {}): BlobStream {
  const descriptor = { mediaType: "x", digest: digestOf(bytes), size: bytes.byteLength };
  return new BlobStream(descriptor, () => scribbled(bytes, 65_536), { reopens: false, release });
}

function unpacked(bytes: Buffer, change: CompressionChange): Buffer {
  if (change.compress === "gzip") return zlib.gunzipSync(bytes);
  return change.compress === "zstd" ? zlib.zstdDecompressSync(bytes) : bytes;
}

test("Compression makes any form of any other, and tells what it made", async () => {
  for (const from of ["plain", "gzip", "zstd"] as const) {
    for (const to of ["plain", "gzip", "zstd"] as const) {
      const change = { decompress: true, measure: true, ...(to !== "plain" && { compress: to }) };
      for (const source of [blobOf(forms[from]), scribbled(forms[from], 65_536)]) {
        await using made = compression.recompressed(source, change, "a type");
        assert.equal(made.mediaType, "a type");
        assert.equal(made.uncompressed(), undefined);
        const bytes = await collect(made);
        assert.ok(unpacked(bytes, change).equals(plain), `${from} to ${to}`);
        assert.deepEqual(made.uncompressed(), {
          digest: digestOf(plain),
          size: plain.byteLength,
        });
      }
    }
  }
});

test("Compression packs what is packed already where it is not told to unpack", async () => {
  const made = compression.recompressed(
    blobOf(forms.zstd),
    { decompress: false, measure: true, compress: "gzip" },
    "x",
  );
  assert.ok(zlib.gunzipSync(await collect(made)).equals(forms.zstd));
  assert.equal(made.uncompressed()?.digest, digestOf(forms.zstd));
});

test("Compression hashes what a blob of another algorithm holds", async () => {
  const descriptor = { mediaType: "x", digest: digestOf(plain, "sha512"), size: plain.byteLength };
  const blob = new BlobStream(descriptor, () => scribbled(plain, 65_536), { reopens: false });
  const made = compression.recompressed(
    blob,
    { decompress: true, measure: true, compress: "gzip" },
    "x",
  );
  await collect(made);
  assert.equal(made.uncompressed()?.digest, digestOf(plain));
});

test("Compression handles the empty blob", async () => {
  const empty = Buffer.alloc(0);
  for (const compress of ["gzip", "zstd"] as const) {
    const change = { decompress: true, measure: true, compress };
    const made = compression.recompressed(blobOf(empty), change, "x");
    assert.equal(unpacked(await collect(made), change).byteLength, 0);
    assert.deepEqual(made.uncompressed(), { digest: digestOf(empty), size: 0 });
  }
});

test("Compression never brings a wrong blob to its end, and has no outcome for it", async () => {
  const other = digestOf(Buffer.from("another"));
  for (const form of ["plain", "gzip", "zstd"] as const) {
    for (const compress of ["gzip", "zstd", undefined] as const) {
      const bytes = forms[form];
      const descriptor = { mediaType: "x", digest: other, size: bytes.byteLength };
      const blob = new BlobStream(descriptor, () => scribbled(bytes, 65_536), { reopens: false });
      const made = compression.recompressed(
        blob,
        { decompress: true, measure: true, ...(compress && { compress }) },
        "x",
      );
      assert.equal(await failureOf(made), "content.digest-mismatch", `${form} ${compress}`);
      assert.equal(made.uncompressed(), undefined);
      assert.equal(codeOf(blob.failure), "content.digest-mismatch");
    }
  }
});

test("Compression is read once", async () => {
  const made = compression.recompressed(blobOf(plain), { decompress: true }, "x");
  await collect(made);
  assert.throws(
    () => made[Symbol.asyncIterator](),
    (error) => codeOf(error) === "content.taken-twice",
  );
});

async function readSome(bytes: AsyncIterable<Uint8Array>, chunks: number): Promise<void> {
  let read = 0;
  for await (const _ of bytes) if (++read >= chunks) return;
}

test("Compression closes its source when it is disposed of: unread, half read, read", async () => {
  for (const compress of ["gzip", "zstd", undefined] as const) {
    for (const chunks of [0, 1, 2, 3, Number.POSITIVE_INFINITY]) {
      let released = 0;
      const blob = blobOf(forms.gzip, () => {
        released += 1;
      });
      const change = { decompress: true, measure: true, ...(compress && { compress }) };
      const made = compression.recompressed(blob, change, "x");
      if (chunks > 0) await readSome(made, chunks);
      await made[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
      assert.equal(released, 1, `${compress} ${chunks}`);
      assert.equal(made.uncompressed() !== undefined, chunks === Number.POSITIVE_INFINITY);
    }
  }
});

test("Compression lets go of a source that stalls, when it is disposed of", {
  timeout: 300_000,
}, async () => {
  for (const compress of ["gzip", "zstd", undefined] as const) {
    const closed = Promise.withResolvers<never>();
    closed.promise.catch(() => {});
    async function* stalling() {
      yield forms.gzip.subarray(0, 300_000);
      yield forms.gzip.subarray(300_000, 600_000);
      yield await closed.promise;
    }
    const descriptor = {
      mediaType: "x",
      digest: digestOf(forms.gzip),
      size: forms.gzip.byteLength,
    };
    const blob = new BlobStream(descriptor, stalling, {
      reopens: false,
      release: () => closed.reject(new Error("closed")),
    });
    const made = compression.recompressed(
      blob,
      { decompress: true, ...(compress && { compress }) },
      "x",
    );
    const reading = collect(made).then(
      () => "read",
      (error: Error) => error.message,
    );
    for (let i = 0; i < 20; i++) await turn();
    await made[Symbol.asyncDispose]();
    assert.match(await reading, /closed/); // and never a clean end
  }
});

test("Compression packs many blobs side by side", async () => {
  const all = await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const bytes = plain.subarray(n * 1000);
      const compress = n % 2 ? "gzip" : "zstd";
      const change = { decompress: true, compress } as const;
      const made = compression.recompressed(blobOf(bytes), change, "x");
      return unpacked(await collect(made), change).equals(bytes);
    }),
  );
  assert.ok(all.every(Boolean));
});

test("Compression does not measure what nobody asked for", async () => {
  const made = compression.recompressed(blobOf(forms.gzip), { decompress: true }, "x");
  await collect(made);
  assert.equal(made.uncompressed(), undefined);
});

test("Compression leaves a piece alone until its reader asked for the next-but-one", async () => {
  for (const compress of ["gzip", "zstd", undefined] as const) {
    const change = { decompress: true, ...(compress && { compress }) };
    const made = compression.recompressed(scribbled(forms.gzip, 65_536), change, "x");
    let before: { piece: Uint8Array; digest: string } | undefined;
    for await (const piece of made) {
      if (before) assert.equal(digestOf(before.piece), before.digest);
      before = { piece, digest: digestOf(piece) };
    }
    if (before) assert.equal(digestOf(before.piece), before.digest);
  }
});
