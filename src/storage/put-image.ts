import { type Digest, digestOf } from "../core/digest.ts";
import type { Clock } from "./clock.ts";
import { StorageError } from "./errors.ts";
import { writeImageData } from "./image-data.ts";
import type { ImageEdit } from "./image-edit.ts";
import type { ImageRecord } from "./image-record.ts";
import type { NewImage } from "./store.ts";
import { checkedTime, goTimeOf } from "./times.ts";

/**
 * Adds an image to those of a store, or gives the one that is there other data and more names. The data is written first, so that there
 * never is an image without it.
 *
 * @throws {StorageError} `storage.conflict`
 */
export function putImage(edit: ImageEdit, image: NewImage, clock: Clock): void {
  const known = edit.find(image.id);
  if (known && known.topLayer !== image.topLayer) throw conflict(known);
  const others = image.names.flatMap((name) => takenFrom(edit, image, name));
  writeImageData(edit, image.id, image.data, () => {
    const values = {
      digest: image.digest,
      metadata: image.metadata,
      ...describeData(image, known),
    };
    if (known) edit.change(image.id, values);
    else edit.add({ id: image.id, layer: image.topLayer ?? "", ...values, created: made(image) });
    for (const { id, name } of others) edit.name(id, [name]);
    edit.name(image.id, image.names);
    return edit.prepare();
  });

  function made({ created }: NewImage): string {
    return checkedTime(created) ?? goTimeOf(clock());
  }
}

/** The other name that the holder of `name` gets, if it gets one. */
function takenFrom(
  edit: ImageEdit,
  { id, onTaking }: NewImage,
  name: string,
): readonly { readonly id: string; readonly name: string }[] {
  const holder = edit.records().find((each) => each.names.includes(name));
  const other = holder && holder.id !== id ? onTaking?.(holder, name) : undefined;
  return holder && other !== undefined ? [{ id: holder.id, name: other }] : [];
}

/** What the record says of the items of data: those that were there, and those that are new or other now. */
function describeData({ data, dataDigests }: NewImage, known: ImageRecord | undefined) {
  const sizes = new Map(Array.from(known?.dataSizes ?? [], ([key, size]) => [key, BigInt(size)]));
  const digests = new Map<string, Digest>(known?.dataDigests);
  for (const [key, bytes] of data) {
    sizes.set(key, BigInt(bytes.byteLength));
    digests.set(key, dataDigests?.get(key) ?? digestOf(bytes));
  }
  return {
    "big-data-names": [...new Set([...(known?.dataNames ?? []), ...data.keys()])],
    "big-data-sizes": sizes,
    "big-data-digests": digests,
  };
}

function conflict({ id }: ImageRecord): StorageError {
  return new StorageError(
    "storage.conflict",
    `image with ID ${JSON.stringify(id)} already exists, but uses a different top layer: that ID is already in use`,
    { hint: `Remove the image ${id.slice(0, 12)} first.` },
  );
}
