import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { readRawManifest } from "../../src/core/manifest.ts";
import type { Credentials } from "../../src/registry/credentials.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import type { NewBlob } from "../../src/stream/blob-stream.ts";
import {
  type DockerRegistry,
  type DockerRegistryOptions,
  htpasswdUser,
  startDockerRegistry,
} from "../support/docker-registry.ts";
import { makeImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { startRegistry } from "../support/registry.ts";
import { makePki } from "../support/tls.ts";
import { collected, copyThrough, streamOf, testBlob, testHost } from "./support.ts";

const { signal } = new AbortController();
const skip = skipWithout("docker-registry");
const ann: Credentials = { username: htpasswdUser.name, password: htpasswdUser.password };
const image = makeImage({ layerBytes: 2_000_000, compression: "none" });

async function push(registry: DockerRegistry, credentials?: Credentials): Promise<void> {
  await using source = await startRegistry();
  source.seed("app", "v1", image);
  await using from = testHost(source.host);
  await using to = testHost(registry.host, { ...(credentials && { credentials }) });
  const writing = to.host.repository("a/b", "write");
  await copyThrough(from.host.repository("app", "read"), writing, image);
}

async function pull(registry: DockerRegistry, credentials?: Credentials): Promise<void> {
  await using from = testHost(registry.host, { ...(credentials && { credentials }) });
  const reading = from.host.repository("a/b", "read");
  const { bytes } = await reading.readManifest("v1", { signal });
  assert.equal(readRawManifest(bytes).digest, image.digest);
  assert.equal((await reading.headManifest("v1", { signal })).type, "held");
  for (const layer of image.layers) {
    await using stream = await reading.openBlob(layer, { signal });
    assert.deepEqual(await collected(stream), image.blobs.get(layer.digest));
  }
}

const rows: readonly {
  name: string;
  options: (made: AsyncDisposableStack) => Promise<DockerRegistryOptions>;
  credentials?: Credentials;
}[] = [
  { name: "open to all", options: async () => ({}) },
  { name: "with htpasswd", options: async () => ({ auth: "htpasswd" }), credentials: ann },
  {
    name: "with tokens",
    options: async (made) => {
      const pki = made.use(await makePki());
      return {
        auth: { token: { users: { [htpasswdUser.name]: htpasswdUser.password } }, key: pki.server },
      };
    },
    credentials: ann,
  },
];

for (const { name, options, credentials } of rows) {
  test(`Repository pushes to and pulls from docker-registry, ${name}`, {
    skip,
    timeout: 300_000,
  }, async () => {
    await using made = new AsyncDisposableStack();
    await using registry = await startDockerRegistry(await options(made));
    await push(registry, credentials);
    await pull(registry, credentials);
  });
}

test("Repository writes a blob made on the way to docker-registry", {
  skip,
  timeout: 300_000,
}, async () => {
  await using registry = await startDockerRegistry();
  await using to = testHost(registry.host);
  const writing = to.host.repository("a/b", "write");
  const { bytes, descriptor } = testBlob(700_000);
  const made: NewBlob = {
    mediaType: "text/plain",
    async *[Symbol.asyncIterator]() {
      yield bytes.subarray(0, 300_000);
      yield bytes.subarray(300_000);
    },
    async [Symbol.asyncDispose]() {},
  };
  assert.deepEqual(await writing.writeBlob(made, { signal }), {
    ...descriptor,
    mediaType: "text/plain",
  });
  await using stream = await writing.openBlob(descriptor, { signal });
  assert.equal(
    createHash("sha256")
      .update(await collected(stream))
      .digest("hex"),
    descriptor.digest.slice(7),
  );
});

test("Repository adopts at docker-registry what is held or can be mounted", {
  skip,
  timeout: 300_000,
}, async () => {
  await using registry = await startDockerRegistry();
  await using to = testHost(registry.host);
  const { bytes, descriptor } = testBlob(100_000);
  const one = to.host.repository("one", "write");
  assert.equal(await one.adoptBlob(descriptor, [], { signal }), false);
  await one.writeBlob(streamOf(bytes, descriptor), { signal });
  assert.equal(await one.adoptBlob(descriptor, [], { signal }), "held");
  assert.equal(
    await to.host.repository("two", "write").adoptBlob(descriptor, ["one"], { signal }),
    "mounted",
  );
  await using again = testHost(registry.host);
  assert.equal(
    await again.host.repository("one", "write").adoptBlob(descriptor, [], { signal }),
    "held",
  );
  await using three = to.host.repository("three", "write");
  assert.equal(await three.adoptBlob(descriptor, ["nothing/here"], { signal }), false);
});

test("Repository lists and deletes at docker-registry", { skip, timeout: 300_000 }, async () => {
  await using registry = await startDockerRegistry();
  await push(registry);
  await using there = testHost(registry.host);
  const repository = there.host.repository("a/b", "delete");
  assert.deepEqual(await repository.listTags({ signal }), ["v1"]);
  await repository.deleteManifest(image.digest, { signal });
  assert.deepEqual(await repository.headManifest("v1", { signal }), { type: "absent" });
  await assert.rejects(repository.readManifest("v1", { signal }), (error) => {
    assert.ok(error instanceof RegistryError);
    assert.equal(error.specCode, "MANIFEST_UNKNOWN");
    return true;
  });
  await assert.rejects(there.host.repository("none", "read").listTags({ signal }), {
    code: "registry.not-found",
    message: "fetching tags list: repository name not known to registry",
  });
});

test("headManifest() is told by docker-registry whether a tag is what it most likely is", {
  skip,
  timeout: 300_000,
}, async () => {
  await using registry = await startDockerRegistry();
  await push(registry);
  await using there = testHost(registry.host);
  const repository = there.host.repository("a/b", "read");
  const head = await repository.headManifest("v1", { signal });
  assert.ok(head.type === "held");
  const { digest, mediaType } = head;
  assert.deepEqual(await repository.headManifest("v1", { signal, likely: { digest, mediaType } }), {
    ...head,
    size: undefined, // by 304: there is no manifest to tell the length of
  });
  const other = makeImage({ seed: 9 });
  const likely = { digest: other.digest, mediaType };
  assert.deepEqual(await repository.headManifest("v1", { signal, likely }), head);
  assert.deepEqual(await repository.headManifest("v2", { signal, likely }), { type: "absent" });
});

test("Repository is refused a manifest by docker-registry", {
  skip,
  timeout: 300_000,
}, async () => {
  await using registry = await startDockerRegistry();
  await using there = testHost(registry.host);
  const repository = there.host.repository("a/b", "write");
  const missing = readRawManifest(image.bytes);
  await assert.rejects(repository.writeManifest("v1", missing, { signal }), {
    code: "registry.content-missing",
  });
  const strange = { ...missing, bytes: Buffer.from("{}") };
  await assert.rejects(repository.writeManifest("v1", strange, { signal }), {
    code: "registry.manifest-refused",
  });
});
