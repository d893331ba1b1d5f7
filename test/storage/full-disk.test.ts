import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { StorageError } from "../../src/storage/errors.ts";
import type { NewImage, Store } from "../../src/storage/store.ts";
import { failCall } from "../support/failing-calls.ts";
import { handLayer } from "../support/hand-layer.ts";
import {
  handImage,
  putHandImage,
  putLayers,
  tempStore,
  storeTest as test,
} from "../support/temp-store.ts";

/** Not every call each time: `npm run soak` is there for that. */
const step = process.env["AMPHORA_SOAK"] === "1" ? 1 : 3;
const name = "localhost/foo:1";
const layers = [handLayer({ "etc/name": "base" })];

/** Longer than what was there. */
const other = Buffer.from("other signatures");

/** What may run out of space, and whether what it was to do is done. */
interface Operation {
  run(store: Store, image: NewImage): Promise<unknown>;
  isDone(store: Store, image: NewImage): Promise<boolean>;
  /** Where the image is there before. */
  readonly onImage: boolean;
}

const operations: Readonly<Record<string, Operation>> = {
  "committing a layer": {
    onImage: false,
    run: (store) => putLayers(store, layers),
    isDone: async (store) => (await store.layers()).length === 1,
  },
  "putting an image": {
    onImage: false,
    run: async (store, image) => {
      await putLayers(store, layers);
      await store.putImage(image);
    },
    isDone: async (store) => (await store.findImage(name)) !== undefined,
  },
  "putting an image again": {
    onImage: true,
    run: (store, image) =>
      store.putImage({ ...image, metadata: '{"x":1}', data: new Map([["signatures", other]]) }),
    isDone: async (store) => (await store.findImage(name))?.metadata === '{"x":1}',
  },
  "removing an image": {
    onImage: true,
    run: (store, image) => store.deleteImage(image.id),
    isDone: async (store) => (await store.images()).length === 0,
  },
};

for (const [what, operation] of Object.entries(operations)) {
  test(`${what} on a disk that is full at any moment leaves a whole store, and can be done again`, async () => {
    for (let n = 0, failed = true; failed; n += step) {
      await using temp = await tempStore("overlay");
      const image = handImage(layers, layers[0]?.over(undefined).id ?? "", [name]);
      const store = await temp.open();
      if (operation.onImage) await putSignedImage(store);
      {
        using calls = failCall(n);
        await operation.run(store, image).catch(assertTold);
        failed = calls.failed();
      }
      const again = await temp.open();
      await assertWhole(again);
      if (await operation.isDone(again, image)) continue;
      await operation.run(again, image);
      assert.equal(await operation.isDone(again, image), true);
      await assertWhole(again);
      assert.deepEqual(readdirSync(temp.in("overlay/tempdirs")), []);
    }
  });
}

async function putSignedImage(store: Store): Promise<void> {
  const image = await putHandImage(store, [{ "etc/name": "base" }], [name]);
  await store.putImage({ ...image, data: new Map([["signatures", Buffer.from("signed")]]) });
}

/** By the store, or by us, who unpack. */
function assertTold(error: unknown): void {
  assert.match(String(error), /no space left on device/);
  if (error instanceof StorageError) assert.equal(error.code, "storage.unwritable");
  else assert.match(String(error), /temp-dir-\w+\/0-addition|write '\d+'/);
}

async function assertWhole(store: Store): Promise<void> {
  for (const image of await store.images()) {
    if (image.topLayer) assert.ok((await store.layerChain(image.topLayer)).length > 0);
    for (const key of image.dataNames)
      assert.equal((await store.imageData(image, key))?.length, image.dataSizes.get(key));
  }
}
