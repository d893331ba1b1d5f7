import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import type { StorePlace } from "../../../src/config/store-place.ts";
import { createStorageTransport } from "../../../src/transport/containers-storage/transport.ts";
import { tempFolder } from "../../support/temp.ts";
import { putHandImage, storeTest, tempStore } from "../../support/temp-store.ts";

const call = { signal: new AbortController().signal };

/** The transport of a user whose storage.conf says so. */
function transportOf(place: StorePlace) {
  return createStorageTransport({
    placeOf: async (request) => {
      if (request) throw new Error("nobody has named a store");
      return place;
    },
    platform: { os: "linux", architecture: "amd64" },
  });
}

test("a configured store is written as it is configured, though its reference cannot say all of that", async () => {
  await using folder = await tempFolder();
  const place: StorePlace = {
    driver: "overlay",
    graphroot: folder.in("a]b+c,d"),
    runroot: folder.in("run"),
    options: ["overlay.mountopt=nodev,metacopy=on"],
    additional: [],
    userNamespace: false,
    mountProgram: false,
  };
  const transport = transportOf(place);
  const reference = await transport.resolve("x:1", "destination", call);
  assert.match(reference.text, /:overlay\.mountopt=nodev,metacopy=on\]docker\.io\/library\/x:1$/);
  await using _ = await transport.openDestination(reference, call);
  assert.ok(existsSync(folder.in("a]b+c,d", "overlay-layers")));
});

test("a configured store with its images elsewhere is refused, and not written beside them", async () => {
  await using folder = await tempFolder();
  const transport = transportOf({
    driver: "overlay",
    graphroot: folder.in("s"),
    runroot: folder.in("run"),
    options: [],
    additional: [],
    imageStore: folder.in("i"),
    userNamespace: false,
    mountProgram: false,
  });
  const reference = await transport.resolve("x:1", "destination", call);
  await assert.rejects(transport.openDestination(reference, call), { code: "storage.unsupported" });
});

storeTest("an image of a store that is only read is none that can be deleted", async () => {
  await using shared = await tempStore("vfs");
  await using own = await tempStore("vfs");
  const layers = [{ name: "base" }];
  await putHandImage(await shared.open(), layers, ["docker.io/library/foo:latest"]);
  await putHandImage(await own.open(), layers, ["localhost/own:1"]);
  const transport = transportOf({
    driver: "vfs",
    graphroot: own.in(),
    runroot: own.in("run"),
    options: [],
    additional: [shared.in()],
    userNamespace: false,
    mountProgram: false,
  });
  const reference = await transport.resolve("foo", "source", call);
  await assert.rejects(async () => await transport.deleteImage?.(reference, call), {
    code: "transport.image-not-found",
    message: "identifier is not an image",
  });
  assert.ok(await (await own.open()).findImage("localhost/own:1"));
});
