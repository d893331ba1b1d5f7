import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, readFileSync, writeSync } from "node:fs";
import { test } from "node:test";
import { describeFailure } from "../../../src/cli/image-proxy/packets.ts";
import { digestOf } from "../../../src/core/digest.ts";
import { builtProgram } from "../../support/built.ts";
import { makeImage, makeMultiArch } from "../../support/images.ts";
import { writeLayoutFolder } from "../../support/layout-folder.ts";
import { packetSockets, receivePacket } from "../../support/packet-socket.ts";
import { type CliHome, cliHome } from "../../support/run-cli.ts";

interface Reply {
  readonly success: boolean;
  readonly value: unknown;
  readonly pipeid: number;
  readonly error_code: string;
  readonly error: string;
}

/** The proxy of a process of its own, called as rpm-ostree and bootc call it. */
async function startProxy(home: CliHome) {
  const [ours, theirs] = packetSockets();
  const child = spawn(
    process.execPath,
    [await builtProgram(), "experimental-image-proxy", "--sockfd", "3"],
    {
      env: { ...home.env, AMPHORA_CALLED_AS: "skopeo" },
      stdio: ["ignore", "inherit", "inherit", theirs],
    },
  );
  const ended = once(child, "exit");
  closeSync(theirs);
  const call = (method: string, ...args: readonly unknown[]) => {
    writeSync(ours, JSON.stringify({ method, args }));
    const { bytes, descriptors } = receivePacket(ours);
    const reply: Reply = JSON.parse(bytes.toString());
    const contents = descriptors.map((fd) => {
      try {
        return readFileSync(fd);
      } finally {
        closeSync(fd);
      }
    });
    return { reply, contents };
  };
  return {
    call,
    /** The content of a pipe that ended well. */
    piped(method: string, ...args: readonly unknown[]): { value: unknown; content: Buffer } {
      const { reply, contents } = call(method, ...args);
      assert.equal(reply.error, "");
      assert.equal(call("FinishPipe", reply.pipeid).reply.error, "");
      return { value: reply.value, content: contents[0] ?? Buffer.alloc(0) };
    },
    error: (method: string, ...args: readonly unknown[]) => call(method, ...args).reply.error,
    raw(text: string): Reply {
      writeSync(ours, text);
      return JSON.parse(receivePacket(ours).bytes.toString());
    },
    shutDown: () => void writeSync(ours, '{"method":"Shutdown"}'),
    /** The exit code, once it has ended by itself. */
    ended: async () => (await ended)[0],
    async [Symbol.asyncDispose]() {
      closeSync(ours);
      await ended;
    },
  };
}

test("what is no socket is refused by the image proxy, in skopeo's words", async () => {
  await using home = await cliHome();
  const program = await builtProgram();
  const said = (...words: readonly string[]) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [program, "experimental-image-proxy", ...words],
      { env: { ...home.env, AMPHORA_CALLED_AS: "skopeo" }, encoding: "utf8", stdio: ["ignore"] },
    );
    return [status, /msg="(.*)"/.exec(stderr)?.[1]];
  };
  const noSocket = "file file+net sock: getsockopt: socket operation on non-socket";
  const closed = "file file+net sock: fcntl: bad file descriptor";
  assert.deepEqual(said(), [1, noSocket]);
  for (const descriptor of ["-1", "987654", "99999999999"])
    assert.deepEqual(said("--sockfd", descriptor), [1, closed]);
  assert.deepEqual(said("oci:x"), [1, "accepts 0 arg(s), received 1"]);
});

test("a client of the image proxy opens an image of a list, and takes all it is made of", async () => {
  await using home = await cliHome();
  const image = makeImage({ seed: 7, type: "oci", layers: 2 });
  await writeLayoutFolder(home.folder.in("one"), image);
  await writeLayoutFolder(home.folder.in("list"), makeMultiArch({ seed: 8 }));
  await using proxy = await startProxy(home);
  assert.equal(proxy.error("OpenImage", "x"), "client error: must invoke Initialize");
  assert.equal(proxy.call("Initialize").reply.value, "0.2.8");
  assert.equal(proxy.error("Initialize"), "already initialized");
  const id = proxy.call("OpenImage", `oci:${home.folder.in("one")}`).reply.value;
  const manifest = proxy.piped("GetManifest", id);
  assert.equal(manifest.value, image.descriptor.digest);
  assert.equal(digestOf(manifest.content), image.descriptor.digest);
  const { layers } = JSON.parse(manifest.content.toString());
  const config = JSON.parse(proxy.piped("GetFullConfig", id).content.toString());
  const run = JSON.parse(proxy.piped("GetConfig", id).content.toString());
  assert.deepEqual(run, config.config ?? {});
  const told = proxy.call("GetLayerInfo", id).reply.value;
  assert.deepEqual(JSON.parse(proxy.piped("GetLayerInfoPiped", id).content.toString()), told);
  for (const { digest, size } of layers) {
    const blob = proxy.piped("GetBlob", id, digest, size);
    assert.deepEqual([blob.value, digestOf(blob.content)], [size, digest]);
    const { reply, contents } = proxy.call("GetRawBlob", id, digest);
    assert.deepEqual([reply.value, digestOf(contents[0] ?? Buffer.alloc(0))], [size, digest]);
    assert.equal(contents[1]?.length, 0);
  }
  const [{ digest, size }] = layers;
  const { reply } = proxy.call("GetBlob", id, digest, size + 1);
  const finished = proxy.call("FinishPipe", reply.pipeid).reply;
  assert.equal(finished.error, `expected ${size + 1} bytes in blob, got ${size}`);
  const list = proxy.call("OpenImage", `oci:${home.folder.in("list")}`).reply.value;
  const chosen = JSON.parse(proxy.piped("GetFullConfig", list).content.toString());
  assert.equal(chosen.architecture, process.arch === "arm64" ? "arm64" : "amd64");
  assert.equal(proxy.error("CloseImage", id), "");
  assert.equal(proxy.error("GetManifest", id), `no image ${id}`);
  proxy.shutDown();
  assert.equal(await proxy.ended(), 0);
});

test("the image proxy says what is wrong with a call, and goes on", async () => {
  await using home = await cliHome();
  await writeLayoutFolder(home.folder.in("one"), makeImage({ seed: 9 }));
  await using proxy = await startProxy(home);
  assert.match(proxy.raw("{bad").error, /^invalid request: /);
  assert.equal(proxy.error("Initialize", 1), "invalid request, expecting zero arguments");
  proxy.call("Initialize");
  const missing = `oci:${home.folder.in("one")}:nope`;
  const table: readonly (readonly [error: string | RegExp, method: string, ...args: unknown[]])[] =
    [
      ["unknown method: Nope", "Nope"],
      ["invalid request, expecting one argument", "OpenImage"],
      ["expecting string imageref, not float64", "OpenImage", 1],
      [
        'Invalid image name "nope", expected colon-separated transport:reference',
        "OpenImage",
        "nope",
      ],
      [/no descriptor found for reference "nope"/, "OpenImage", missing],
      ["", "OpenImageOptional", missing],
      ["expecting numeric, not string", "GetManifest", "1"],
      ["no image 18446744073709551615", "GetManifest", -1],
      ["Invalid imageid value of zero", "GetManifest", 0],
      ["found 2 args, expecting (imgid, digest, size)", "GetBlob", 1, "x"],
      ["found 1 args, expecting (imgid, digest)", "GetRawBlob", 1],
      ["finishpipe: no active pipe 77", "FinishPipe", 77],
    ];
  for (const [error, method, ...args] of table) {
    const { reply } = proxy.call(method, ...args);
    if (error instanceof RegExp) assert.match(reply.error, error);
    else assert.equal(reply.error, error);
    assert.equal(reply.success, error === "");
  }
  assert.equal(proxy.call("OpenImageOptional", missing).reply.value, 0);
});

test("the image proxy opens nothing that the policy refuses", async () => {
  await using home = await cliHome();
  await home.write(".config/containers/policy.json", '{"default":[{"type":"reject"}]}');
  await writeLayoutFolder(home.folder.in("one"), makeImage({ seed: 10 }));
  await using proxy = await startProxy(home);
  proxy.call("Initialize");
  const error = proxy.error("OpenImage", `oci:${home.folder.in("one")}`);
  assert.match(error, /^Running image oci:.* is rejected by policy\.$/);
});

test("the image proxy tells of a policy that cannot be read when an image is asked for", async () => {
  await using home = await cliHome();
  await home.write(".config/containers/policy.json", "{");
  await writeLayoutFolder(home.folder.in("one"), makeImage({ seed: 11 }));
  await using proxy = await startProxy(home);
  assert.equal(proxy.call("Initialize").reply.success, true);
  assert.match(proxy.error("OpenImage", `oci:${home.folder.in("one")}`), /policy\.json/);
});

test("describeFailure() tells of a client that went away in the words that ostree's knows", () => {
  const error = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  assert.deepEqual(describeFailure(error), { code: "EPIPE", message: "write |1: broken pipe" });
});
