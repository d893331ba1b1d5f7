import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { test } from "node:test";
import { hexOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import { parseSchema1 } from "../../../src/core/schema1.ts";
import { createOciTransport } from "../../../src/transport/oci/transport.ts";
import { bundleScript } from "../../support/bundled-script.ts";
import { makeImage, makeIndex, makeMultiArch } from "../../support/images.ts";
import { tempFolder } from "../../support/temp.ts";
import { readFrom, writeTo } from "../small-copy.ts";

const oci = createOciTransport();
const { signal } = new AbortController();
const image = (seed: number) => makeImage({ seed, type: "oci", layers: 2 });

async function namesIn(path: string): Promise<string> {
  const { manifests } = JSON.parse(await readFile(path, "utf8"));
  return manifests
    .map((each: { annotations?: Record<string, string> }) => {
      return each.annotations?.["org.opencontainers.image.ref.name"] ?? "-";
    })
    .join(" ");
}

test("oci: a layout is what skopeo 1.22 makes of it, modes included", async () => {
  await using folder = await tempFolder();
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  const blobs = [...image(1).blobs.keys(), image(1).digest].map((digest) => digest.slice(7));
  const names = await readdir(folder.in("layout"), { recursive: true });
  assert.deepEqual(
    names.sort(),
    [
      "blobs",
      "blobs/sha256",
      ...blobs.map((hex) => `blobs/sha256/${hex}`),
      "index.json",
      "oci-layout",
    ].sort(),
  );
  assert.equal(
    await readFile(folder.in("layout", "oci-layout"), "utf8"),
    '{"imageLayoutVersion":"1.0.0"}',
  );
  assert.equal(
    await readFile(folder.in("layout", "index.json"), "utf8"),
    `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"${image(1).digest}","size":${image(1).bytes.length},"annotations":{"org.opencontainers.image.ref.name":"x"}}]}`,
  );
});

test("oci: blobs have mode 0644 whatever the umask, all else has what it leaves", async () => {
  await using folder = await tempFolder();
  const mask = process.umask(0o077);
  try {
    await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  } finally {
    process.umask(mask);
  }
  const modeOf = async (...names: string[]) =>
    ((await stat(folder.in("layout", ...names))).mode & 0o777).toString(8);
  const [layer] = image(1).layers;
  assert.ok(layer);
  assert.equal(await modeOf("blobs", "sha256", hexOf(layer.digest)), "644");
  assert.equal(await modeOf("blobs", "sha256", hexOf(image(1).digest)), "600");
  for (const name of ["index.json", "oci-layout"]) assert.equal(await modeOf(name), "600");
  for (const name of ["", "blobs", "blobs/sha256"]) assert.equal(await modeOf(name), "700");
});

test("oci: index.json keeps its mode, and is not written through a link", async () => {
  await using folder = await tempFolder();
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  await chmod(folder.in("layout", "index.json"), 0o640);
  await writeTo(oci, `${folder.in("layout")}:y`, image(2));
  assert.equal((await stat(folder.in("layout", "index.json"))).mode & 0o777, 0o640);
  await rename(folder.in("layout", "index.json"), folder.in("elsewhere.json"));
  await symlink("../elsewhere.json", folder.in("layout", "index.json"));
  await writeTo(oci, `${folder.in("layout")}:z`, image(3));
  assert.equal(await namesIn(folder.in("layout", "index.json")), "x y z");
  assert.equal(await namesIn(folder.in("elsewhere.json")), "x y");
});

test("oci: what cannot be read is refused before a byte is written", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in("layout"));
  await writeFile(folder.in("layout", "index.json"), "{");
  const writing = writeTo(oci, `${folder.in("layout")}:x`, image(1));
  await assert.rejects(writing, { code: "layout.invalid", message: "unexpected EOF" });
  assert.deepEqual(await readdir(folder.in("layout")), ["index.json"]);
});

test("oci: a position can be read, and not written", async () => {
  await using folder = await tempFolder();
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  await writeTo(oci, `${folder.in("layout")}:y`, image(2));
  assert.equal(await readFrom(oci, `${folder.in("layout")}:@1`), image(2).digest);
  await assert.rejects(writeTo(oci, `${folder.in("layout")}:@0`, image(3)), {
    code: "transport.unsupported",
    message: "Destination reference must not contain a manifest index @0",
  });
});

test("oci: only a name that is not there is an image not found", async () => {
  await using folder = await tempFolder();
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  await writeTo(oci, `${folder.in("layout")}:y`, image(2));
  const table: readonly [text: string, code: string, message: string][] = [
    ["layout:nope", "transport.image-not-found", 'no descriptor found for reference "nope"'],
    ["layout", "layout.unsupported", "more than one image in oci, choose an image"],
    ["layout:@2", "layout.unsupported", "index 2 is too large, only 2 entries available"],
    [
      "missing:x",
      "layout.missing",
      `open ${folder.in("missing")}/index.json: no such file or directory`,
    ],
  ];
  for (const [text, code, message] of table) {
    await assert.rejects(readFrom(oci, folder.in(text)), { code, message });
  }
});

test("oci: messages show paths as they were typed", async () => {
  await assert.rejects(readFrom(oci, "test/no-such-layout:x"), {
    message: "open test/no-such-layout/index.json: no such file or directory",
  });
});

test("oci: a digest in index.json leads nowhere but to a blob", async () => {
  await using folder = await tempFolder();
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  for (const digest of [
    "sha256:zz",
    "",
    "sha256:../../../../etc/passwd",
    `md5:${"a".repeat(32)}`,
  ]) {
    const entry = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 };
    const index = JSON.stringify({ schemaVersion: 2, manifests: [entry] });
    await writeFile(folder.in("layout", "index.json"), index);
    await assert.rejects(readFrom(oci, folder.in("layout")), { code: "layout.invalid" }, digest);
  }
});

test("oci: an entry of a type that is no image's is taken for schema 1, as skopeo 1.22 does", async () => {
  await using folder = await tempFolder();
  const { digest, bytes, mediaType } = image(1);
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  const read = async (type: string) => {
    const entry = { mediaType: type, digest, size: bytes.length };
    const index = JSON.stringify({ schemaVersion: 2, manifests: [entry] });
    await writeFile(folder.in("layout", "index.json"), index);
    const reference = await oci.resolve(folder.in("layout"), "source", { signal });
    await using source = await oci.openSource(reference, { signal });
    return await source.readManifest("top", { signal });
  };
  for (const type of ["", mediaType]) assert.equal((await read(type)).mediaType, mediaType);
  for (const type of ["text/plain", `${mediaType}; charset=utf-8`, mediaTypes.schema1]) {
    const manifest = await read(type);
    assert.deepEqual([manifest.digest, Buffer.from(manifest.bytes)], [digest, Buffer.from(bytes)]);
    assert.throws(() => parseSchema1(manifest), { message: "unsupported schema version 2" }, type);
  }
});

test("oci: a manifest or blob that is not what its digest says is refused", async () => {
  await using folder = await tempFolder();
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  const [layer] = image(1).layers;
  assert.ok(layer);
  for (const digest of [layer.digest, image(1).digest]) {
    const path = folder.in("layout", "blobs", "sha256", hexOf(digest));
    const bytes = await readFile(path);
    const wrong = Buffer.from(bytes);
    wrong[20] = (wrong[20] ?? 0) ^ 1;
    await writeFile(path, wrong);
    await assert.rejects(readFrom(oci, `${folder.in("layout")}:x`), {
      code: "content.digest-mismatch",
    });
    await writeFile(path, bytes);
  }
});

test("oci: a blob of the right length is not written again, one of another is", async () => {
  await using folder = await tempFolder();
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  const [first, second] = image(1).layers.map((layer) =>
    folder.in("layout", "blobs", "sha256", hexOf(layer.digest)),
  );
  assert.ok(first && second);
  const before = await stat(first);
  await writeFile(second, "cut short");
  await writeTo(oci, `${folder.in("layout")}:y`, image(1));
  assert.equal((await stat(first)).ino, before.ino);
  assert.equal(await readFrom(oci, `${folder.in("layout")}:y`), image(1).digest);
});

test("oci: shared blobs lie in their own folder only", async () => {
  await using folder = await tempFolder();
  const shared = createOciTransport({
    sourceSharedBlobDir: folder.in("shared"),
    destinationSharedBlobDir: folder.in("shared"),
  });
  await writeTo(shared, `${folder.in("layout")}:x`, image(1));
  assert.deepEqual(await readdir(folder.in("layout", "blobs")), []);
  assert.equal((await readdir(folder.in("shared", "sha256"))).length, image(1).blobs.size + 1);
  await shared.deleteImage?.(
    await shared.resolve(`${folder.in("layout")}:x`, "source", { signal }),
    { signal },
  );
  assert.equal((await readdir(folder.in("shared", "sha256"))).length, image(1).blobs.size + 1);
  assert.equal(await namesIn(folder.in("layout", "index.json")), "");
});

test("oci: many processes that write to one layout lose nothing", async () => {
  await using folder = await tempFolder();
  await using program = await bundleScript(new URL("../writing-process.ts", import.meta.url));
  const seeds = Array.from({ length: 12 }, (_, index) => 100 + index);
  const ends = await Promise.all(
    seeds.map((seed) =>
      once(fork(program.path, ["oci", `${folder.in("layout")}:n${seed}`, String(seed)]), "exit"),
    ),
  );
  assert.ok(ends.every(([code]) => code === 0));
  const names = await namesIn(folder.in("layout", "index.json"));
  assert.deepEqual(
    names.split(" ").sort(),
    seeds.map((seed) => `n${seed}`),
  );
  for (const seed of seeds) await readFrom(oci, `${folder.in("layout")}:n${seed}`);
  assert.deepEqual((await readdir(folder.in("layout"))).sort(), [
    "blobs",
    "index.json",
    "oci-layout",
  ]);
});

test("oci: commit() notices that a blob it counted on was deleted meanwhile", async () => {
  await using folder = await tempFolder();
  const text = (name: string) => `${folder.in("layout")}:${name}`;
  await writeTo(oci, text("x"), image(1));
  const reference = await oci.resolve(text("y"), "destination", { signal });
  await using destination = await oci.openDestination(reference, { signal });
  const [layer] = image(1).layers;
  assert.ok(layer);
  const manifest = { mediaType: "x", digest: image(1).digest, bytes: image(1).bytes };
  await using writer = await destination.openImage({ manifest, as: "top" }, { signal });
  const place = { role: "layer", positions: [0] } as const;
  assert.equal(await writer.adoptBlob(layer, place, reference, { signal }), "held");
  await oci.deleteImage?.(await oci.resolve(text("x"), "source", { signal }), { signal });
  await assert.rejects(destination.commit({ signal }), { code: "transport.busy", retryable: true });
  assert.equal(await namesIn(folder.in("layout", "index.json")), "");
});

test("deleteImage() keeps what another entry needs, however deep", async () => {
  await using folder = await tempFolder();
  const text = (name: string) => `${folder.in("layout")}:${name}`;
  const list = makeMultiArch({ seed: 1, type: "oci" });
  const nested = makeIndex([image(1)], { type: "oci" });
  await writeTo(oci, text("list"), list);
  await writeTo(oci, text("one"), image(1));
  await writeTo(oci, text("same"), image(1));
  await writeTo(oci, text("nested"), nested);
  const blobs = async () => (await readdir(folder.in("layout", "blobs", "sha256"))).length;
  const remove = async (name: string) =>
    await oci.deleteImage?.(await oci.resolve(text(name), "source", { signal }), { signal });
  const all = await blobs();
  await remove("one");
  await remove("same");
  assert.equal(await blobs(), all); // the nested index holds on to it
  await readFrom(oci, text("nested"));
  await remove("nested");
  assert.equal(await blobs(), all - image(1).blobs.size - 2);
  await remove("list");
  assert.equal(await blobs(), 0);
  assert.equal(
    await readFile(folder.in("layout", "index.json"), "utf8"),
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}\n',
  );
});

test("deleteImage() touches nothing where it cannot follow an entry", async () => {
  await using folder = await tempFolder();
  const docker = makeImage({ seed: 9, type: "docker" });
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  await writeTo(oci, `${folder.in("layout")}:d`, docker);
  const before = await readdir(folder.in("layout"), { recursive: true });
  const reference = await oci.resolve(`${folder.in("layout")}:x`, "source", { signal });
  await assert.rejects(async () => await oci.deleteImage?.(reference, { signal }), {
    code: "layout.unsupported",
    message:
      'unsupported mediaType in index: "application/vnd.docker.distribution.manifest.v2+json"',
  });
  assert.deepEqual(await readdir(folder.in("layout"), { recursive: true }), before);
  assert.equal(await namesIn(folder.in("layout", "index.json")), "x d");
});

test("deleteImage() says what is not there as reading does", async () => {
  await using folder = await tempFolder();
  await writeTo(oci, `${folder.in("layout")}:x`, image(1));
  for (const [text, code] of [
    ["layout:nope", "transport.image-not-found"],
    ["missing:x", "layout.missing"],
  ] as const) {
    const reference = await oci.resolve(folder.in(text), "source", { signal });
    await assert.rejects(async () => await oci.deleteImage?.(reference, { signal }), { code });
  }
});
