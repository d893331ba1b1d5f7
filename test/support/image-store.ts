import type { StoreRequest } from "../../src/config/load-store-place.ts";
import type { StorageDriver, StorePlace } from "../../src/config/store-place.ts";
import { openStore } from "../../src/storage/open-store.ts";
import type { Store } from "../../src/storage/store.ts";
import { createStorageTransport } from "../../src/transport/containers-storage/transport.ts";
import type { Transport } from "../../src/transport/contract/transport.ts";
import { testStore } from "./debian-store.ts";

/** A store of images in a folder of its own, as references name it. Needs root. */
export interface ImageStore extends AsyncDisposable {
  readonly driver: StorageDriver;
  readonly root: string;
  readonly runroot: string;
  /** A reference to an image in it: `containers-storage:[overlay@…+…]name`. */
  reference(name: string): string;
  /** Looks into it. */
  open(): Promise<Store>;
}

/** `await using store = await imageStore("overlay")`. */
export async function imageStore(driver: StorageDriver): Promise<ImageStore> {
  const store = await testStore(driver);
  const [place = ""] = store.text("").slice(1).split("]");
  const [graphroot = "", runroot = ""] = place.slice(driver.length + 1).split("+");
  const request = { driver, graphroot, runroot, options: [] };
  return {
    driver,
    root: store.root,
    runroot,
    reference: (name) => `containers-storage:${store.text(name)}`,
    open: () =>
      openStore(placeOf(request), { signal: new AbortController().signal, readOnly: true }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** The transport without any configuration: each reference names its store. */
export function storageTransport(): Transport {
  return createStorageTransport({
    placeOf: async (request) => {
      if (!request) throw new Error("a test names its store");
      return placeOf(request);
    },
    platform: { os: "linux", architecture: "amd64" },
  });
}

function placeOf({ driver, graphroot = "", runroot = "", options }: StoreRequest): StorePlace {
  if (driver !== "overlay" && driver !== "vfs") throw new Error(`no such driver: ${driver}`);
  const plain = { additional: [], userNamespace: false, mountProgram: false };
  return { driver, graphroot, runroot, options, ...plain };
}
