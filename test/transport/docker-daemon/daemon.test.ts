import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { createDockerArchiveTransport } from "../../../src/transport/docker-archive/transport.ts";
import { createDockerDaemonTransport } from "../../../src/transport/docker-daemon/transport.ts";
import { type DockerEngine, refuse, startDockerEngine } from "../../support/docker-engine.ts";
import { Engine } from "../../support/engine.ts";
import { writeImageFolder } from "../../support/image-folder.ts";
import { makeImage, type TestImage } from "../../support/images.ts";
import { tempFolder } from "../../support/temp.ts";

const image = makeImage();
/** Larger than what is kept of an archive in memory. */
const large = makeImage({ seed: 9, layers: 2, layerBytes: 9 * 1024 * 1024, compression: "none" });

/** A copy with `docker-daemon:` at one of its ends, and what it is to work with. */
async function copyWith(
  daemon: Pick<DockerEngine, "host">,
  made: TestImage,
  ends: (folder: string) => readonly [from: string, to: string],
  { spool = false, signal = new AbortController().signal } = {},
): Promise<Record<string, Buffer>> {
  await using folder = await tempFolder();
  await using clients = new AsyncDisposableStack();
  const transport = createDockerDaemonTransport({
    host: daemon.host,
    tls: () => assert.fail("no TLS"),
    onOpen: (client) => clients.use(client),
    ...(spool && { spoolFolder: folder.path }),
  });
  const moreTransports = [transport, createDockerArchiveTransport()];
  await using engine = new Engine({ moreTransports });
  await writeImageFolder(folder.in("source"), made);
  const [from, to] = ends(folder.path);
  await engine.copy(from, to, { signal });
  const files: Record<string, Buffer> = {};
  for (const name of await readdir(folder.path, { recursive: true })) {
    files[name] = await readFile(folder.in(name)).catch(() => Buffer.alloc(0));
  }
  return files;
}

const load = (daemon: Pick<DockerEngine, "host">, options = {}) =>
  copyWith(daemon, image, (folder) => [`dir:${folder}/source`, "docker-daemon:foo:x"], options);

test("an image is handed over as skopeo does, its packed layers as they are", async () => {
  await using daemon = await startDockerEngine();
  await load(daemon);
  const [ping, post] = daemon.requests;
  assert.deepEqual([ping?.method, ping?.url], ["HEAD", "/_ping"]);
  assert.deepEqual([post?.method, post?.url], ["POST", "/v1.41/images/load?quiet=1"]);
  assert.equal(post?.headers["content-type"], "application/x-tar");
  assert.equal(post?.headers.host, "api.moby.localhost");
  // What skopeo 1.22 sends of the same image.
  assert.equal(
    digestOf(post?.body ?? Buffer.alloc(0)),
    "sha256:950e5525b05838e30f63ef16fa3534410aae1ff1c02655a58b337f51d007a5a3",
  );
});

test("what the daemon says of a load is told", async () => {
  const commit = "committing the finished image: ";
  const cases = [
    [
      200,
      '{"errorDetail":{"message":"no space"},"error":"no space"}',
      `${commit}docker engine reported: "no space"`,
    ],
    [
      500,
      '{"message":"boom"}',
      `${commit}starting a load operation in docker engine: Error response from daemon: boom`,
    ],
    [
      200,
      "garbage",
      `${commit}parsing docker load progress: invalid character 'g' looking for beginning of value`,
    ],
  ] as const;
  for (const [status, body, message] of cases) {
    await using daemon = await startDockerEngine({
      answer(request, response) {
        request.on("end", () => {
          response.writeHead(status, { "content-type": "application/json" });
          response.end(body);
        });
        return true;
      },
    });
    await assert.rejects(load(daemon), { message });
  }
});

test("a daemon that refuses early, or goes away, ends the copy", async () => {
  const early = await startDockerEngine({
    answer: (_, response) => {
      refuse(response, 403, "not you");
      return true;
    },
  });
  await assert.rejects(
    copyWith(early, large, (folder) => [`dir:${folder}/source`, "docker-daemon:foo:x"]),
    { message: /Error response from daemon: not you$/ },
  );
  await early[Symbol.asyncDispose]();
  const gone = await startDockerEngine({
    answer: (request) => {
      request.once("data", () => request.socket.destroy());
      return true;
    },
  });
  await assert.rejects(
    copyWith(gone, large, (folder) => [`dir:${folder}/source`, "docker-daemon:foo:x"]),
    { message: /starting a load operation in docker engine: error during connect: Post / },
  );
  await gone[Symbol.asyncDispose]();
});

test("an image that is not finished is not loaded", async () => {
  await using daemon = await startDockerEngine();
  const [blob] = image.layers;
  assert.ok(blob);
  const broken = { ...image, blobs: new Map(image.blobs).set(blob.digest, Buffer.from("broken")) };
  await assert.rejects(
    copyWith(daemon, broken, (folder) => [`dir:${folder}/source`, "docker-daemon:foo:x"]),
  );
  const bodies = daemon.requests.filter(({ method }) => method === "POST").map(({ body }) => body);
  assert.ok(bodies.every((body) => body === undefined));
});

test("where nobody listens is told before anything is read", async () => {
  await using folder = await tempFolder();
  const nobody = { host: `unix://${folder.in("no.sock")}` };
  const why = `Cannot connect to the Docker daemon at ${nobody.host}. Is the docker daemon running?`;
  await assert.rejects(load(nobody), {
    message: `initializing destination docker-daemon:foo:x: ${why}`,
  });
  await assert.rejects(
    copyWith(nobody, image, (path) => ["docker-daemon:foo:x", `dir:${path}/out`]),
    {
      message: `initializing source docker-daemon:foo:x: loading image from docker engine: ${why}`,
    },
  );
});

async function archiveOf(made: TestImage): Promise<Buffer> {
  await using folder = await tempFolder();
  await using engine = new Engine({ moreTransports: [createDockerArchiveTransport()] });
  await writeImageFolder(folder.in("source"), made);
  await engine.copy(`dir:${folder.in("source")}`, `docker-archive:${folder.in("a.tar")}:n:t`);
  return await readFile(folder.in("a.tar"));
}

const save = (daemon: DockerEngine, made: TestImage, options = {}) =>
  copyWith(
    daemon,
    made,
    (folder) => ["docker-daemon:h:1/foo:x", `docker-archive:${folder}/out.tar:n:t`],
    options,
  );

test("a large image is asked for twice, a small one or one that is kept once", async () => {
  const cases = [
    [image, {}, 1],
    [large, {}, 2],
    [large, { spool: true }, 1],
  ] as const;
  for (const [made, options, times] of cases) {
    const saved = await archiveOf(made);
    await using daemon = await startDockerEngine({ saved });
    const files = await save(daemon, made, options);
    assert.ok(files["out.tar"]?.equals(saved));
    assert.deepEqual(
      Object.keys(files).filter((name) => name.startsWith(".")),
      [],
    );
    const gets = daemon.requests.filter(({ url }) => url.includes("/images/get"));
    assert.deepEqual(
      gets.map(({ url }) => url),
      Array(times).fill("/v1.41/images/get?names=h%3A1%2Ffoo%3Ax"),
    );
  }
});

test("an image that the daemon changes between two readings is refused", async () => {
  const [first, second] = [await archiveOf(large), await archiveOf(large)];
  second.fill(7, second.byteLength / 2, second.byteLength / 2 + 1000);
  let times = 0;
  await using daemon = await startDockerEngine({
    answer(request, response) {
      if (!request.url?.includes("/images/get")) return false;
      response.end(times++ === 0 ? first : second);
      return true;
    },
  });
  await assert.rejects(save(daemon, large), { message: /Digest did not match/ });
});

test("what the daemon says of an image that it has not is told", async () => {
  await using daemon = await startDockerEngine({
    apiVersion: "1.99",
    answer(request, response) {
      if (!request.url?.includes("/images/get")) return false;
      refuse(response, 404, "reference does not exist");
      return true;
    },
  });
  await assert.rejects(save(daemon, image), {
    message:
      "initializing source docker-daemon:h:1/foo:x: loading image from docker engine: Error response from daemon: reference does not exist",
  });
  assert.equal(daemon.requests.at(-1)?.url, "/v1.51/images/get?names=h%3A1%2Ffoo%3Ax");
});
