import assert from "node:assert/strict";
import { test } from "node:test";
import { ContentError, KnownError } from "../../src/core/errors.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import { BlobStream, type NewBlob } from "../../src/stream/blob-stream.ts";
import {
  dropRequest,
  type Fault,
  flipByte,
  loseReply,
  redirect,
  refuse,
  stallRequest,
} from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { streamOf, testBlob, testHost } from "./support.ts";

const { signal } = new AbortController();
const mebibyte = 1024 * 1024;
const { bytes, descriptor } = testBlob(3 * mebibyte + 7);

/** A blob that is made while it is read, in pieces of some bytes. */
function madeBlob(content: Uint8Array, failure?: Error): NewBlob {
  return {
    mediaType: "application/x",
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < content.byteLength; at += 100_000)
        yield content.slice(at, at + 100_000);
      if (failure) throw failure;
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Takes no body above so many bytes, as a proxy in front of a registry does. */
function bodiesUpTo(limit: number): Fault {
  return {
    arrive({ request }) {
      const length = Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY);
      return length > limit ? { status: 413, headers: { "content-length": "0" } } : undefined;
    },
  };
}

test("writeBlob() sends pieces where whole blobs are too large, ever smaller ones, and remembers it", async () => {
  await using registry = await startRegistry();
  registry.behave({ on: /^(PUT|PATCH) upload/, times: 1000, fault: bodiesUpTo(mebibyte) });
  await using client = testHost(registry.host);
  const repository = client.host.repository("app", "write");
  await repository.writeBlob(streamOf(bytes, descriptor), { signal });
  assert.ok(registry.store.repositories.get("app")?.blobs.has(descriptor.digest));
  registry.log.clear();
  const other = testBlob(2 * mebibyte, 5);
  await repository.writeBlob(streamOf(other.bytes, other.descriptor), { signal });
  assert.deepEqual(registry.log.counts(), {
    "PATCH upload": 2,
    "POST uploads?mount": 1,
    "PUT upload": 1,
  });
});

test("writeBlob() sends again to where a host points that takes no bytes itself", async () => {
  await using front = await startRegistry();
  await using back = await startRegistry({ store: front.store });
  const elsewhere = redirect(({ request }) => `${back.origin}${request.url}`);
  front.behave({ on: /^(PUT|PATCH) upload/, times: 1000, fault: elsewhere });
  const small = testBlob(1000, 3);
  for (const blob of [small, testBlob(2 * mebibyte, 4)]) {
    await using client = testHost(front.host);
    const repository = client.host.repository("app", "write");
    front.log.clear();
    await repository.writeBlob(streamOf(blob.bytes, blob.descriptor), { signal });
    assert.equal(front.log.counts()["POST uploads?mount"], 1);
    assert.ok(front.store.repositories.get("app")?.blobs.has(blob.descriptor.digest));
  }
  await using client = testHost(front.host);
  const repository = client.host.repository("app", "write");
  await assert.rejects(repository.writeBlob(madeBlob(bytes), { signal }), { retryable: true });
  await repository.writeBlob(madeBlob(bytes), { signal });
  assert.ok(front.store.repositories.get("app")?.blobs.has(descriptor.digest));
});

test("writeBlob() gives up soon where hosts only ever point elsewhere", async () => {
  await using front = await startRegistry();
  const fault = redirect(({ request }) => request.url ?? "");
  front.behave({ on: /^(PUT|PATCH) upload/, times: 1000, fault });
  await using client = testHost(front.host);
  const { bytes, descriptor } = testBlob(1000, 3);
  const repository = client.host.repository("app", "write");
  const writing = repository.writeBlob(streamOf(bytes, descriptor), { signal });
  await assert.rejects(writing, { code: "registry.bad-redirect" });
  assert.ok((front.log.counts()["PUT upload"] ?? 0) <= 6);
});

const pieceFaults: Readonly<Record<string, Fault>> = {
  cut: dropRequest(300_000),
  "cut at its start": dropRequest(0),
  "answered, and the answer lost": loseReply(),
  "answered 503": refuse(503),
  "answered 500 after its body": refuse(500, { afterBody: true }),
};

for (const [name, fault] of Object.entries(pieceFaults)) {
  test(`writeBlob() goes on where a piece is ${name}`, async () => {
    for (const nth of [1, 2, 4]) {
      await using registry = await startRegistry();
      registry.behave({ on: "PUT upload", fault: refuse(413) });
      const rule = registry.behave({ on: "PATCH upload", nth, fault });
      await using client = testHost(registry.host, { limits: { chunkBytes: mebibyte } });
      const repository = client.host.repository("app", "write");
      await repository.writeBlob(streamOf(bytes, descriptor), { signal });
      assert.ok(registry.store.repositories.get("app")?.blobs.has(descriptor.digest));
      assert.equal(rule.hits, 1);
    }
  });
}

test("writeBlob() resumes with the bytes that are missing, and no others", async () => {
  await using registry = await startRegistry();
  registry.behave({ on: "PUT upload", fault: dropRequest(2 * mebibyte) });
  await using client = testHost(registry.host);
  await client.host.repository("app", "write").writeBlob(streamOf(bytes, descriptor), { signal });
  // all may have gone into the buffers of the system, and then it is asked whether the blob is there
  const trace = registry.log.trace().filter((template) => template !== "HEAD blob");
  assert.deepEqual(trace, [
    "POST uploads?mount",
    "PUT upload",
    "GET upload",
    "PATCH upload",
    "PUT upload",
  ]);
  const [patch] = registry.log.of("PATCH upload");
  assert.equal(patch?.headers["content-range"], `${2 * mebibyte}-${descriptor.size - 1}`);
  assert.equal(patch?.headers["content-length"], String(descriptor.size - 2 * mebibyte));
});

test("writeBlob() gives up where a source cannot be read again", async () => {
  await using registry = await startRegistry();
  registry.behave({ on: "PUT upload", times: 99, fault: dropRequest(mebibyte) });
  await using client = testHost(registry.host);
  const stream = streamOf(bytes, descriptor, { reopens: false });
  const writing = client.host.repository("app", "write").writeBlob(stream, { signal });
  await assert.rejects(writing, { code: "registry.unreachable", retryable: true });
  assert.equal(registry.log.of("PUT upload").length, 1);
});

for (const status of [400, 403, 405, 409]) {
  test(`writeBlob() does not send a blob again that was refused with ${status}`, async () => {
    const { bytes, descriptor } = testBlob(1000);
    await using registry = await startRegistry();
    const rule = registry.behave({ on: "PUT upload", times: 99, fault: refuse(status) });
    await using client = testHost(registry.host);
    const repository = client.host.repository("app", "write");
    await assert.rejects(repository.writeBlob(streamOf(bytes, descriptor), { signal }), {
      retryable: false,
    });
    assert.equal(rule.hits, 1);
  });
}

test("writeBlob() cancels the upload, and leaves nothing, where the source fails", async () => {
  const failures: readonly [Error, string | undefined][] = [
    [new ContentError("content.digest-mismatch", "wrong bytes"), "registry.source-failed"],
    [new TypeError("a bug"), undefined],
  ];
  for (const [failure, code] of failures) {
    await using registry = await startRegistry();
    await using client = testHost(registry.host);
    const broken = new BlobStream(
      descriptor,
      async function* () {
        yield bytes.subarray(0, mebibyte);
        yield bytes.subarray(mebibyte, 2 * mebibyte);
        throw failure;
      },
      { reopens: true },
    );
    await assert.rejects(
      client.host.repository("app", "write").writeBlob(broken, { signal }),
      (error) => {
        if (code === undefined) assert.equal(error, failure);
        else assert.equal(error instanceof KnownError && error.code, code);
        assert.equal(error instanceof RegistryError ? error.cause : error, failure);
        return true;
      },
    );
    assert.deepEqual(registry.log.trace().sort(), [
      "DELETE upload",
      "POST uploads?mount",
      "PUT upload",
    ]);
    assert.equal(registry.store.repositories.get("app")?.blobs.size, 0);
  }
});

test("writeBlob() never sends the end of a blob that is not what it should be", async () => {
  await using source = await startRegistry();
  await using registry = await startRegistry();
  source.seed("app", undefined, { blobs: new Map([[descriptor.digest, bytes]]), manifests: [] });
  source.behave({ on: "GET blob", fault: flipByte(descriptor.size - 1) });
  await using from = testHost(source.host);
  await using to = testHost(registry.host);
  await using stream = await from.host.repository("app", "read").openBlob(descriptor, { signal });
  const writing = to.host.repository("app", "write").writeBlob(stream, { signal });
  await assert.rejects(writing, { code: "registry.source-failed" });
  assert.equal(stream.failure instanceof ContentError, true);
  assert.ok((registry.log.of("PUT upload")[0]?.bytesIn ?? descriptor.size) < descriptor.size);
});

test("writeBlob() cancels the upload when called off", async () => {
  await using registry = await startRegistry();
  const stop = new AbortController();
  const arrive = () => void setImmediate(() => stop.abort(new Error("enough")));
  registry.behave({ on: "PUT upload", fault: { ...stallRequest(mebibyte), arrive } });
  await using client = testHost(registry.host);
  const writing = client.host
    .repository("app", "write")
    .writeBlob(streamOf(bytes, descriptor), { signal: stop.signal });
  await assert.rejects(writing, /enough/);
  assert.equal(registry.log.of("DELETE upload").length, 1);
});

test("Repository cancels uploads that were opened and not used", async () => {
  await using registry = await startRegistry();
  await using client = testHost(registry.host);
  {
    await using repository = client.host.repository("app", "write");
    assert.equal(await repository.adoptBlob(descriptor, [], { signal }), false);
  }
  assert.equal(registry.log.of("DELETE upload").length, 1);
});

test("writeBlob() writes a blob made on the way in one PATCH, and says what it became", async () => {
  await using registry = await startRegistry();
  await using client = testHost(registry.host);
  const written = await client.host
    .repository("app", "write")
    .writeBlob(madeBlob(bytes), { signal });
  assert.deepEqual(written, { ...descriptor, mediaType: "application/x" });
  assert.deepEqual(registry.log.trace(), ["POST uploads", "PATCH upload", "PUT upload"]);
});

const madeRows: readonly { name: string; on: string; fault: Fault; code?: string }[] = [
  {
    name: "cut in the middle",
    on: "PATCH upload",
    fault: dropRequest(mebibyte),
    code: "registry.unreachable",
  },
  { name: "answered 500", on: "PATCH upload", fault: refuse(500), code: "registry.upload-failed" },
  {
    name: "wanted with its length",
    on: "PATCH upload",
    fault: refuse(411),
    code: "registry.upload-failed",
  },
  { name: "stored, and the answer lost", on: "PUT upload", fault: loseReply() },
  { name: "finished after a 503", on: "PUT upload", fault: refuse(503) },
];

for (const { name, on, fault, code } of madeRows) {
  test(`writeBlob() ${code ? "fails, and may be tried again," : "succeeds"} where a blob made on the way is ${name}`, async () => {
    await using registry = await startRegistry();
    registry.behave({ on, fault });
    await using client = testHost(registry.host);
    const repository = client.host.repository("app", "write");
    const first = repository.writeBlob(madeBlob(bytes), { signal });
    if (code === undefined) {
      await first;
    } else {
      await assert.rejects(first, { code, retryable: true });
      assert.equal(registry.log.of("DELETE upload").length, 1);
      await repository.writeBlob(madeBlob(bytes), { signal });
    }
    assert.ok(registry.store.repositories.get("app")?.blobs.has(descriptor.digest));
  });
}

test("writeBlob() tells that making a blob failed", async () => {
  await using registry = await startRegistry();
  await using client = testHost(registry.host);
  const failing = madeBlob(bytes, new ContentError("content.bad-compression", "no gzip"));
  await assert.rejects(client.host.repository("app", "write").writeBlob(failing, { signal }), {
    code: "registry.source-failed",
    message: "no gzip",
  });
  assert.equal(registry.log.of("DELETE upload").length, 1);
});

test("writeBlob() writes an empty blob", async () => {
  await using registry = await startRegistry();
  await using client = testHost(registry.host);
  const empty = testBlob(0);
  await client.host
    .repository("app", "write")
    .writeBlob(streamOf(empty.bytes, empty.descriptor), { signal });
  assert.ok(registry.store.repositories.get("app")?.blobs.has(empty.descriptor.digest));
  await using stream = await client.host
    .repository("app", "read")
    .openBlob(empty.descriptor, { signal });
  for await (const chunk of stream) assert.fail(`${chunk.byteLength} bytes`);
});

for (const takesPieces of [true, false]) {
  test(`writeBlob() gathers pieces where uploads break that wait for the source, if ${takesPieces ? "" : "not "}refused`, async () => {
    await using registry = await startRegistry({
      features: { resumable: false, ...(!takesPieces && { chunkBytes: { max: 0 } }) },
    });
    const rule = registry.behave({ on: "PUT upload", fault: dropRequest(mebibyte) });
    await using client = testHost(registry.host, { limits: { chunkBytes: mebibyte } });
    const slow = new BlobStream(
      descriptor,
      async function* (from) {
        for (let at = from; at < bytes.byteLength; at += mebibyte / 2) {
          if (rule.hits === 0 || at === 0) await client.clock.sleep(10_000, signal);
          yield Buffer.from(bytes.subarray(at, at + mebibyte / 2));
        }
      },
      { reopens: true },
    );
    await client.host.repository("app", "write").writeBlob(slow, { signal });
    assert.ok(registry.store.repositories.get("app")?.blobs.has(descriptor.digest));
    assert.equal(registry.log.of("PATCH upload").length > 0, true);
    assert.equal(
      registry.log.of("PATCH upload").some(({ status }) => status === 202),
      takesPieces,
    );
  });
}
