import assert from "node:assert/strict";
import { test } from "node:test";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { digestOf } from "../../src/core/digest.ts";
import { CopyError } from "../../src/core/errors.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import {
  chooseInstance,
  chooseInstancesFor,
  formatPlatform,
  type Platform,
  parsePlatform,
  suitablePlatforms,
  type WantedPlatform,
} from "../../src/core/platform.ts";
import { loadGolden } from "./golden.ts";

function indexOf(type: "oci" | "docker", entries: readonly Partial<Descriptor>[]) {
  const instances = entries.map(
    (entry, index): Descriptor => ({
      mediaType: mediaTypes.ociManifest,
      digest: digestOf(Buffer.from(`${index}`)),
      size: 1,
      ...entry,
    }),
  );
  return { mediaType: type === "oci" ? mediaTypes.ociIndex : mediaTypes.dockerList, instances };
}

interface Row {
  readonly type: "oci" | "docker";
  readonly entries: readonly Partial<Descriptor>[];
  readonly wanted: WantedPlatform;
  /** Position, or null where there is none. */
  readonly chosen: number | null;
}

test("chooseInstance() chooses what skopeo chooses", () => {
  for (const { type, entries, wanted, chosen } of loadGolden<readonly Row[]>("platforms.json")) {
    const index = indexOf(type, entries);
    const shown = JSON.stringify({ type, entries, wanted });
    if (chosen === null) {
      assert.throws(() => chooseInstance(index, wanted), { code: "copy.no-instance" }, shown);
    } else {
      assert.equal(chooseInstance(index, wanted), index.instances[chosen], shown);
    }
  }
});

const linux = (architecture: string, variant?: string) => ({
  platform: { os: "linux", architecture, ...(variant !== undefined && { variant }) },
});

test("chooseInstance() says what it looked for and hints at what there is", () => {
  const entries = [linux("arm", "v7"), linux("s390x"), linux("s390x"), {}];
  for (const [type, kind] of [
    ["oci", "image index"],
    ["docker", "manifest list"],
  ] as const) {
    const wanted = { os: "linux", architecture: "amd64", variant: "v2" };
    const index = indexOf(type, type === "oci" ? entries.slice(0, 3) : entries);
    assert.throws(
      () => chooseInstance(index, wanted),
      (error) => {
        assert.ok(error instanceof CopyError);
        assert.equal(
          error.message,
          `no image found in ${kind} for architecture "amd64", variant "v2", OS "linux"`,
        );
        assert.match(error.hint ?? "", /linux\/arm\/v7, linux\/s390x\.$/);
        return true;
      },
    );
  }
  assert.throws(() => chooseInstance(indexOf("oci", []), { os: "a", architecture: "b" }), {
    code: "copy.no-instance",
    hint: undefined,
  });
});

test("parsePlatform() and formatPlatform() are each other's reverse", () => {
  for (const text of ["linux/amd64", "linux/arm/v7", "windows/arm64/v8", "unknown/unknown"]) {
    assert.equal(formatPlatform(parsePlatform(text)), text);
  }
});

test("parsePlatform() refuses what is not os/architecture[/variant]", () => {
  for (const text of ["", "linux", "linux/", "/amd64", "linux/arm/", "a/b/c/d", "a b/c", "a/b,c"]) {
    assert.throws(() => parsePlatform(text), { code: "usage.bad-flag" }, text);
  }
});

test("suitablePlatforms() begins with the best", () => {
  const variants = (wanted: WantedPlatform) => suitablePlatforms(wanted).map((one) => one.variant);
  const arm = { os: "linux", architecture: "arm" };
  assert.deepEqual(variants(arm), ["", "v8", "v7", "v6", "v5"]);
  assert.deepEqual(variants({ ...arm, variant: "v6" }), ["v6", "v5", ""]);
  assert.deepEqual(variants({ os: "linux", architecture: "amd64" }), [""]);
});

test("chooseInstancesFor() takes all for the platform that suits best", () => {
  const platforms: readonly Platform[] = [
    { os: "windows", architecture: "amd64", "os.version": "10.0.17763.1" },
    { os: "linux", architecture: "arm", variant: "v6" },
    { os: "windows", architecture: "amd64", "os.version": "10.0.20348.1" },
    { os: "linux", architecture: "arm", variant: "v7" },
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "amd64", variant: "" },
  ];
  const index = indexOf(
    "oci",
    platforms.map((platform) => ({ platform })),
  );
  const positions = (platform: string) =>
    chooseInstancesFor(index, parsePlatform(platform)).map((each) => index.instances.indexOf(each));
  assert.deepEqual(positions("windows/amd64"), [0, 2]);
  assert.deepEqual(positions("linux/amd64"), [4, 5]);
  assert.deepEqual(positions("linux/arm"), [3]);
  assert.deepEqual(positions("linux/arm/v6"), [1]);
});
