import type { StorePlace } from "../../src/config/store-place.ts";
import { openStore } from "../../src/storage/open-store.ts";
import { putHandImage } from "./temp-store.ts";

/** Puts an image of two layers into a store, names it anew, and removes another. Also a program, given the place as JSON. */
export async function writeStore(place: StorePlace): Promise<void> {
  const store = await openStore(place, { signal: new AbortController().signal });
  const files = [{ "etc/name": "base" }, { "etc/other": "other" }];
  const image = await putHandImage(store, files, ["localhost/new:1"]);
  await store.addNames(image.id, ["localhost/new:2"]);
  await store.removeNames(image.id, ["localhost/new:1"]);
  const old = await store.findImage("localhost/old:1");
  if (old) await store.deleteImage(old.id);
}

if (import.meta.main) await writeStore(JSON.parse(process.argv[2] ?? ""));
