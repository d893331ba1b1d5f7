import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../../src/core/digest.ts";
import {
  type InstanceUpdate,
  parseIndexManifest,
  rebuildIndex,
} from "../../src/core/index-manifest.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { type Expected, loadGolden, outcome } from "./golden.ts";

const read = (document: unknown) => readRawManifest(Buffer.from(JSON.stringify(document)));
const digest = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;

interface Row {
  readonly name: string;
  readonly index: string;
  readonly to: string;
  readonly updates: Readonly<Record<Digest, InstanceUpdate>>;
  readonly expected: Expected;
}

for (const { name, index, to, updates, expected } of loadGolden<readonly Row[]>("indexes.json")) {
  test(`rebuildIndex() makes of ${name} what skopeo makes of it`, () => {
    const raw = readRawManifest(Buffer.from(index));
    const entries = Object.entries(updates) as [Digest, InstanceUpdate][];
    const rebuilt = rebuildIndex(raw, { mediaType: to, updates: new Map(entries) });
    assert.equal(rebuilt.mediaType, to);
    assert.deepEqual(readRawManifest(rebuilt.bytes), rebuilt);
    assert.deepEqual(
      outcome(expected, index, () => Buffer.from(rebuilt.bytes).toString()),
      expected,
    );
    if (expected === "unchanged") assert.equal(rebuilt, raw);
  });
}

const entry = (digit: string, platform?: object) => ({
  mediaType: mediaTypes.ociManifest,
  digest: digest(digit),
  size: 1,
  ...(platform && { platform }),
});
const amd64 = { architecture: "amd64", os: "linux" };
const arm = { architecture: "arm", os: "linux", variant: "v7" };
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: [entry("1", amd64), entry("2", arm), entry("3")],
  annotations: { a: "b" },
};

test("rebuildIndex() keeps a subset in its order, with all that is said of it", () => {
  const raw = read(index);
  const rebuilt = rebuildIndex(raw, { keep: ({ platform }) => platform?.architecture !== "amd64" });
  const expected = { ...index, manifests: index.manifests.slice(1) };
  assert.deepEqual(JSON.parse(Buffer.from(rebuilt.bytes).toString()), expected);
  assert.notEqual(rebuilt.digest, raw.digest);
  assert.equal(rebuildIndex(raw, { keep: () => true }), raw);
  const none = rebuildIndex(raw, { keep: () => false });
  assert.deepEqual(parseIndexManifest(none).instances, []);
});

test("rebuildIndex() tells instances of one digest apart by position", () => {
  const raw = read({ ...index, manifests: [entry("1", amd64), entry("1", arm)] });
  const rebuilt = parseIndexManifest(rebuildIndex(raw, { keep: (_, position) => position === 1 }));
  assert.deepEqual(rebuilt.instances, [{ ...entry("1"), platform: arm }]);
});

test("rebuildIndex() says the host's platform where Docker's list must say one", () => {
  const raw = read(index);
  const platforms = (host?: { os: string; architecture: string }) =>
    parseIndexManifest(
      rebuildIndex(raw, { mediaType: mediaTypes.dockerList, ...(host && { hostPlatform: host }) }),
    ).instances.map(({ platform }) => platform);
  assert.deepEqual(platforms(), [amd64, arm, amd64]);
  const host = { os: "linux", architecture: "s390x" };
  assert.deepEqual(platforms(host), [amd64, arm, host]);
});

test("parseIndexManifest() keeps what is said of an instance", () => {
  const full = {
    ...entry("1", { ...amd64, "os.version": "1", "os.features": ["f"] }),
    annotations: { ["__proto__"]: "x", b: "c" },
    artifactType: "t",
    urls: ["u"],
    data: "e30=",
  };
  const subject = entry("4");
  const parsed = parseIndexManifest(
    read({ ...index, manifests: [full], subject, artifactType: "q" }),
  );
  assert.deepEqual(parsed, {
    mediaType: mediaTypes.ociIndex,
    instances: [full],
    annotations: { a: "b" },
    artifactType: "q",
    subject,
  });
  const list = { schemaVersion: 2, mediaType: mediaTypes.dockerList };
  const platform = { ...amd64, features: ["sse4"] };
  const { instances } = parseIndexManifest(read({ ...list, manifests: [entry("1", platform)] }));
  assert.deepEqual(instances[0]?.platform, platform);
});

test("parseIndexManifest() refuses what is no index, and bad instances", () => {
  const bad: readonly object[] = [
    { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: entry("1"), layers: [] },
    { ...index, manifests: [{ ...entry("1"), digest: "sha256:1" }] },
    { ...index, manifests: [{ ...entry("1"), digest: `sha256:${"A".repeat(64)}` }] },
    { ...index, manifests: [{ ...entry("1"), digest: "../../etc/passwd" }] },
    { ...index, manifests: [{ ...entry("1"), size: -1 }] },
    { ...index, manifests: [{ ...entry("1"), size: 1.5 }] },
    { ...index, manifests: [{ ...entry("1"), size: "1" }] },
    { ...index, manifests: [{ ...entry("1"), mediaType: "" }] },
    { ...index, manifests: [{ ...entry("1"), platform: "linux" }] },
    { ...index, manifests: {} },
    { ...index, manifests: [1] },
  ];
  for (const document of bad) {
    const raw = read(document);
    const shown = JSON.stringify(document);
    assert.throws(() => parseIndexManifest(raw), { code: "content.bad-manifest" }, shown);
    assert.throws(() => rebuildIndex(raw, {}), { code: "content.bad-manifest" }, shown);
  }
});
