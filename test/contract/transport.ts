import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { type Digest, type DigestAlgorithm, digestOf } from "../../src/core/digest.ts";
import { KnownError } from "../../src/core/errors.ts";
import type { ImageReference } from "../../src/core/image-reference.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import { BlobStream, chunksInUse, type NewBlob } from "../../src/stream/blob-stream.ts";
import { readBounded } from "../../src/stream/bounded.ts";
import { pool } from "../../src/stream/pool.ts";
import type {
  BlobPlace,
  ExpectedImage,
  ImageDestination,
} from "../../src/transport/contract/image-destination.ts";
import type { ImageSource } from "../../src/transport/contract/image-source.ts";
import type { Transport } from "../../src/transport/contract/transport.ts";
import { everyStep, faultyStream, InjectedFault } from "../support/faults.ts";
import { makeImage, makeMultiArch, type TestImage } from "../support/images.ts";
import { randomBytesOf } from "../support/random.ts";

/** A place of its own for one test, where nothing is yet. */
export interface PlaceUnderTest extends AsyncDisposable {
  readonly transport: Transport;
  /** What stands behind `transport:`; of one image that is not there yet. */
  readonly text: string;
  /** What is there of runs that did not end well, by name: nothing, if all is right. */
  leftovers(): Promise<readonly string[]>;
}

export interface TransportUnderTest {
  readonly name: string;
  readonly place: (t: TestContext) => Promise<PlaceUnderTest>;
  /** What an image that is not there fails with when its manifest is asked for. */
  readonly absent: string;
  readonly images: "docker" | "oci";
  /** False where the place takes no digests but sha256. */
  readonly otherAlgorithms?: boolean;
  /** True where an image is there with its manifest, and nothing is left for the commit to do. */
  readonly showsAtOnce?: boolean;
  readonly skip?: string | false;
}

const signal = new AbortController().signal;
const layerPlace: BlobPlace = { role: "layer", positions: [0] };
/** An origin that no destination has anything to do with. */
const elsewhere: ImageReference = {
  transport: "tarball",
  text: "elsewhere",
  policyIdentity: "",
  policyNamespaces: [],
};

/** What every transport that can be read and written keeps — src/transport/contract/. */
export function testTransport(under: TransportUnderTest): void {
  const run = (name: string, body: (place: PlaceUnderTest) => Promise<void>) =>
    test(`${under.name}: ${name}`, { skip: under.skip ?? false }, async (t) => {
      await using place = await under.place(t);
      await body(place);
      assert.deepEqual(await place.leftovers(), []);
    });
  const made = new Map<string, TestImage>();
  const image = (seed = 1, algorithm: DigestAlgorithm = "sha256"): TestImage => {
    const key = `${seed} ${algorithm}`;
    const known =
      made.get(key) ??
      makeImage({ seed, type: under.images, layers: 3, layerBytes: 500_000, algorithm });
    made.set(key, known);
    return known;
  };

  run(
    "resolve() gives a text that resolves to itself, as source and as destination",
    async (place) => {
      const first = await place.transport.resolve(place.text, "source", { signal });
      for (const as of ["source", "destination"] as const) {
        assert.deepEqual(await place.transport.resolve(first.text, as, { signal }), first);
      }
    },
  );

  run("openSource() or readManifest() tells that there is no image", async (place) => {
    await assert.rejects(readAll(place), { code: under.absent });
  });

  run("what was written is read back, byte for byte", async (place) => {
    await writeImage(place, image());
    await assertHolds(place, image());
  });

  run("a second image takes the place of the first", async (place) => {
    await writeImage(place, image(1));
    await writeImage(place, image(2));
    await assertHolds(place, image(2));
  });

  if (under.otherAlgorithms !== false) {
    for (const algorithm of ["sha384", "sha512"] as const) {
      run(`blobs go by their ${algorithm}`, async (place) => {
        await writeImage(place, image(1, algorithm));
        await assertHolds(place, image(1, algorithm));
      });
    }
  }

  run("an index is kept with its instances", async (place) => {
    const index = makeMultiArch({ type: under.images });
    await writeIndex(place, index);
    await assertHolds(place, index);
  });

  run("adoptBlob() knows what was written in this run, and nothing else", async (place) => {
    await using destination = await openDestination(place);
    await using writer = await destination.openImage(expected(image()), { signal });
    const [blob] = image().layers;
    assert.ok(blob);
    const adopt = () => writer.adoptBlob(blob, layerPlace, elsewhere, { signal });
    assert.equal(await adopt(), false);
    await writer.writeBlob(blobOf(image(), blob), layerPlace, { signal });
    assert.equal(await adopt(), "held");
  });

  run("writeBlob() takes a blob whose digest shows at its end", async (place) => {
    const bytes = randomBytesOf(7, 300_000);
    await using destination = await openDestination(place);
    await using writer = await destination.openImage(expected(image()), { signal });
    const made = newBlob(bytes, "application/x-made");
    const written = await writer.writeBlob(made, layerPlace, { signal });
    assert.equal(written.digest, digestOf(bytes));
    assert.equal(written.size, bytes.byteLength);
    assert.equal(await writer.adoptBlob(written, layerPlace, elsewhere, { signal }), "held");
  });

  run("writeBlob() takes an empty blob", async (place) => {
    const empty = new Uint8Array();
    const blob = { mediaType: "application/x-empty", digest: digestOf(empty), size: 0 };
    await using destination = await openDestination(place);
    await using writer = await destination.openImage(expected(image()), { signal });
    assert.deepEqual(await writer.writeBlob(streamOf(blob, [empty]), layerPlace, { signal }), blob);
  });

  run("writeBlob() is done with a chunk when it asks for the next but one", async (place) => {
    const bytes = randomBytesOf(8, 2_000_000);
    const blob = { mediaType: "x/y", digest: digestOf(bytes), size: bytes.byteLength };
    const stream = new BlobStream(blob, () => overwriting(bytes, chunksInUse), { reopens: false });
    const written = await writeOnly(place, under, stream, blob);
    assert.ok(written.equals(bytes));
  });

  run("writeBlob() refuses a wrong blob, and leaves none", async (place) => {
    for (const fault of ["flip", "end", "repeat", "fail"] as const) {
      for (const nth of [0, 3, 7]) {
        const [blob] = image().layers;
        assert.ok(blob);
        await using destination = await openDestination(place);
        await using writer = await destination.openImage(expected(image()), { signal });
        const chunks = pieces(contentOf(image(), blob.digest), 64 * 1024);
        const wrong = streamOf(blob, faultyStream(chunks, nth, fault));
        await assert.rejects(
          writer.writeBlob(wrong, layerPlace, { signal }),
          (error) => error instanceof KnownError || error instanceof InjectedFault,
        );
        assert.equal(await writer.adoptBlob(blob, layerPlace, elsewhere, { signal }), false);
      }
    }
  });

  run("writeBlob() gives up when it is called off", async (place) => {
    const stop = new AbortController();
    const [blob] = image().layers;
    assert.ok(blob);
    await using destination = await openDestination(place);
    await using writer = await destination.openImage(expected(image()), { signal });
    const bytes = contentOf(image(), blob.digest);
    const stream = streamOf(blob, abortingAfter(bytes, stop, 3));
    const work = writer.writeBlob(stream, layerPlace, { signal: stop.signal });
    await assert.rejects(work, (error) => error === stop.signal.reason);
    assert.equal(await writer.adoptBlob(blob, layerPlace, elsewhere, { signal }), false);
  });

  run("a copy that is given up at any chunk leaves the image that was there", async (place) => {
    await writeImage(place, image(1));
    await everyStep(
      async (nth) => {
        let chunk = 0;
        const broken = (each: Descriptor) =>
          streamOf(
            each,
            failingAt(contentOf(image(2), each.digest), () => chunk++ === nth),
          );
        try {
          await writeImage(place, image(2), broken);
          return "through";
        } catch (error) {
          assert.ok(error instanceof InjectedFault);
          await assertHolds(place, image(1));
          assert.deepEqual(await place.leftovers(), []);
          return "failed";
        }
      },
      soakOr({ sample: 7 }),
    );
    await assertHolds(place, image(2));
  });

  if (under.showsAtOnce !== true)
    run("what is not committed is not there", async (place) => {
      await writeImage(place, image(1));
      {
        await using destination = await openDestination(place);
        await writeParts(destination, image(2), (each) => blobOf(image(2), each));
      }
      await assertHolds(place, image(1));
    });

  run("openBlob() opens again, and from an offset", async (place) => {
    await writeImage(place, image());
    await using source = await openSource(place);
    if (!source.traits.reopens) return;
    const [blob] = image().layers;
    assert.ok(blob);
    await using stream = await source.openBlob(blob, { signal });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return();
    for (const from of [0, 1, 300_000, blob.size - 1, blob.size]) {
      const rest = await readBounded(stream.again(from), blob.size, "rest");
      assert.ok(Buffer.from(contentOf(image(), blob.digest)).subarray(from).equals(rest));
    }
  });

  run("openBlob() tells of a blob that is not there", async (place) => {
    await writeImage(place, image());
    await using source = await openSource(place);
    const blob = { mediaType: "x/y", digest: digestOf(Buffer.from("nowhere")), size: 7 };
    await assert.rejects(
      async () => {
        await using stream = await source.openBlob(blob, { signal });
        await readBounded(stream, 100, "blob");
      },
      { code: "transport.blob-not-found" },
    );
  });

  run(
    "writeSignatures() keeps those of the formats it names, and refuses others",
    async (place) => {
      await using destination = await openDestination(place);
      await writeParts(destination, image(), (each) => blobOf(image(), each));
      await destination.writeSignatures(image().digest, [], { signal });
      const { signatureFormats } = destination.traits;
      const [kept, refused] = [true, false].map((known) =>
        someSignatures.filter(({ format }) => signatureFormats.includes(format) === known),
      );
      assert.ok(kept && refused);
      if (refused.length > 0) {
        const work = destination.writeSignatures(image().digest, refused, { signal });
        await assert.rejects(work, { code: "transport.unsupported" });
      }
      await destination.writeSignatures(image().digest, kept, { signal });
      await destination.commit({ signal });
      await using source = await openSource(place);
      assert.deepEqual(await source.readSignatures(image().digest, { signal }), kept);
    },
  );
}

/** Every step in the long run, `options` in the daily one. */
function soakOr<T extends object>(options: T): T | Record<string, never> {
  return process.env["AMPHORA_SOAK"] === "1" ? {} : options;
}

const someSignatures: readonly UntrustedSignature[] = [
  { format: "simple-signing", bytes: Buffer.from([0x89, 1, 2, 3]) },
  {
    format: "sigstore",
    mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
    payload: Buffer.from("payload"),
    annotations: { "dev.cosignproject.cosign/signature": "<a&b>" },
  },
];

async function openDestination({ transport, text }: PlaceUnderTest): Promise<ImageDestination> {
  const reference = await transport.resolve(text, "destination", { signal });
  return await transport.openDestination(reference, { signal });
}

async function openSource({ transport, text }: PlaceUnderTest): Promise<ImageSource> {
  const reference = await transport.resolve(text, "source", { signal });
  return await transport.openSource(reference, { signal });
}

/** Writes an image with all its parts and commits it. */
export async function writeImage(
  place: PlaceUnderTest,
  image: TestImage,
  blob: (blob: Descriptor) => BlobStream = (each) => blobOf(image, each),
): Promise<void> {
  await using destination = await openDestination(place);
  await writeParts(destination, image, blob);
  await destination.commit({ signal });
}

/** Several at a time, as a copy does. */
async function writeParts(
  destination: ImageDestination,
  image: TestImage,
  open: (blob: Descriptor) => BlobStream,
): Promise<void> {
  await using writer = await destination.openImage(expected(image), { signal });
  const blobs = [...image.layers, ...(image.config ? [image.config] : [])];
  await pool(blobs, destination.traits.openBlobs, signal, async (blob) => {
    await using stream = open(blob);
    assert.equal((await writer.writeBlob(stream, layerPlace, { signal })).digest, blob.digest);
  });
  await writer.writeManifest(expected(image).manifest, { signal });
}

async function writeIndex(place: PlaceUnderTest, index: TestImage): Promise<void> {
  await using destination = await openDestination(place);
  const raws = index.manifests.map(({ bytes }) => readRawManifest(bytes));
  const top = raws.pop();
  assert.ok(top);
  for (const manifest of raws) {
    await using writer = await destination.openImage({ manifest, as: "instance" }, { signal });
    for (const blob of blobsOf(manifest.bytes)) {
      if (await writer.adoptBlob(blob, layerPlace, elsewhere, { signal })) continue;
      await using stream = blobOf(index, blob);
      await writer.writeBlob(stream, layerPlace, { signal });
    }
    await writer.writeManifest(manifest, { signal });
  }
  await destination.writeIndex(top, { signal });
  await destination.commit({ signal });
}

/** Writes one blob, and an image around it so that it can be read; gives what is read. */
async function writeOnly(
  place: PlaceUnderTest,
  under: TransportUnderTest,
  stream: BlobStream,
  blob: Descriptor,
): Promise<Buffer> {
  const image = makeImage({ type: under.images, layers: 1, layerBytes: 10 });
  await using destination = await openDestination(place);
  await writeParts(destination, image, (each) => blobOf(image, each));
  await using writer = await destination.openImage(expected(image), { signal });
  await writer.writeBlob(stream, layerPlace, { signal });
  await destination.commit({ signal });
  await using source = await openSource(place);
  await using read = await source.openBlob(blob, { signal });
  return Buffer.from(await readBounded(read, blob.size, "blob"));
}

async function readAll(place: PlaceUnderTest): Promise<void> {
  await using source = await openSource(place);
  await source.readManifest("top", { signal });
}

/** The place has this image or index, all of it. */
export async function assertHolds(place: PlaceUnderTest, image: TestImage): Promise<void> {
  await using source = await openSource(place);
  const top = await source.readManifest("top", { signal });
  assert.equal(top.digest, image.digest);
  assert.equal(top.mediaType, image.mediaType);
  assert.ok(Buffer.from(image.bytes).equals(top.bytes));
  for (const { bytes } of image.manifests.filter((each) => each.bytes !== image.bytes)) {
    const read = await source.readManifest(digestOf(bytes), { signal });
    assert.ok(Buffer.from(bytes).equals(read.bytes));
  }
  for (const { bytes } of image.manifests) {
    for (const blob of blobsOf(bytes)) {
      await using stream = await source.openBlob(blob, { signal });
      const read = await readBounded(stream, blob.size, "blob");
      assert.ok(Buffer.from(contentOf(image, blob.digest)).equals(read));
    }
  }
}

function expected(image: TestImage): ExpectedImage {
  return { manifest: readRawManifest(image.bytes), as: "top" };
}

function blobsOf(manifest: Uint8Array): readonly Descriptor[] {
  const { config, layers } = JSON.parse(Buffer.from(manifest).toString());
  return config ? [config, ...layers] : [];
}

function contentOf(image: TestImage, digest: Digest): Uint8Array {
  const bytes = image.blobs.get(digest);
  assert.ok(bytes);
  return bytes;
}

function blobOf(image: TestImage, blob: Descriptor): BlobStream {
  return streamOf(blob, pieces(contentOf(image, blob.digest), 64 * 1024));
}

function streamOf(blob: Descriptor, bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  async function* opened() {
    yield* bytes;
  }
  return new BlobStream(blob, opened, { reopens: false });
}

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length);
}

async function* failingAt(
  bytes: Uint8Array,
  fails: () => boolean,
): AsyncGenerator<Uint8Array, void> {
  for await (const piece of pieces(bytes, 64 * 1024)) {
    if (fails()) throw new InjectedFault("chunk");
    yield piece;
  }
}

async function* abortingAfter(
  bytes: Uint8Array,
  stop: AbortController,
  count: number,
): AsyncGenerator<Uint8Array, void> {
  let left = count;
  for await (const piece of pieces(bytes, 64 * 1024)) {
    if (left-- === 0) stop.abort(new Error("called off"));
    stop.signal.throwIfAborted();
    yield piece;
  }
}

/** Each chunk is overwritten as soon as the `inUse`th after it is asked for: src/stream/blob-stream.ts § chunksInUse. */
async function* overwriting(bytes: Uint8Array, inUse: number): AsyncGenerator<Uint8Array, void> {
  const given: Uint8Array[] = [];
  for await (const piece of pieces(bytes, 10_000)) {
    const chunk = Uint8Array.from(piece);
    given.push(chunk);
    yield chunk;
    if (given.length === inUse) given.shift()?.fill(0xee);
  }
}

function newBlob(bytes: Uint8Array, mediaType: string): NewBlob {
  return {
    mediaType,
    [Symbol.asyncIterator]: () => overwriting(bytes, chunksInUse - 1),
    async [Symbol.asyncDispose]() {},
  };
}
