import { lstat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../../core/descriptor.ts";
import { isBlobFile } from "../../layout/blob-file.ts";
import { reading, tidying, unless, writing } from "../../layout/errors.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { blobFile } from "./file-names.ts";
import { linkOrCopy } from "./link-or-copy.ts";

/**
 * Takes a blob of the image that a folder holds along into the folder `aside` where the next is put together, by a hard link,
 * which no copy to `dir:` writes into. All of it is read first: reading it costs less than bringing it, and nothing that only
 * has the right name and length gets into the next image.
 *
 * @returns false where it is not there, or is not that blob
 */
export async function adoptStanding(
  { folder, aside }: { readonly folder: string; readonly aside: string },
  blob: Descriptor,
  { signal }: CallOptions,
): Promise<boolean> {
  const name = blobFile(blob.digest);
  const [from, to] = [join(folder, name), join(aside, name)];
  if (blob.size < 0 || (await ownSize(from)) !== blob.size) return false;
  const linked = await writing(`link ${from} ${to}`, () =>
    unless(["ENOENT", "EEXIST", "EACCES"], async () => {
      await linkOrCopy(from, to);
      return true;
    }),
  );
  if (!linked) return false;
  if (await isBlobFile(to, blob, { signal })) return true;
  await tidying(() => unlink(to));
  return false;
}

/** The length of a file; undefined for a link as well: what it leads to is none of this folder's. */
async function ownSize(path: string): Promise<number | undefined> {
  const found = await reading(`lstat ${path}`, () => unless(["ENOENT"], () => lstat(path)));
  return found?.isFile() ? found.size : undefined;
}
