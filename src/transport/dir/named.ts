import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { reading, unless } from "../../layout/errors.ts";
import { parentsOf } from "../../layout/explicit-path.ts";
import { identifyProcess } from "../../layout/owner.ts";
import { TransportError } from "../contract/errors.ts";
import type { NamedPlaces } from "../contract/places.ts";
import { isKnownFolder } from "./place.ts";
import { removeDirImage } from "./remove-image.ts";

/**
 * Folders side by side that are called `NAME:TAG`, as `sync` writes them: each holds one image, and what they have in
 * common before the last colon is a place.
 */
export const namedFolders: NamedPlaces = {
  async names(reference) {
    const { folder, stem } = splitPath(reference.text);
    const found = await reading(`open ${folder}`, () =>
      unless(["ENOENT"], () => readdir(folder, { withFileTypes: true })),
    );
    const names: string[] = [];
    for (const entry of found ?? []) {
      if (!entry.isDirectory() || !entry.name.startsWith(stem)) continue;
      const tag = entry.name.slice(stem.length);
      if (!tag.includes(":") && (await isKnownFolder(join(folder, entry.name)))) names.push(tag);
    }
    return names.sort();
  },
  byName(reference, name) {
    const { folder, stem } = splitPath(reference.text);
    const path = join(folder, `${stem}${name}`);
    return {
      transport: "dir",
      text: path,
      policyIdentity: path,
      policyNamespaces: parentsOf(path),
    };
  },
  async remove(reference, { signal }) {
    await removeDirImage(reference.text, { self: await identifyProcess(), signal });
  },
};

function splitPath(path: string): { readonly folder: string; readonly stem: string } {
  const name = basename(path);
  const colon = name.lastIndexOf(":");
  if (colon !== -1) return { folder: dirname(path), stem: name.slice(0, colon + 1) };
  throw new TransportError("transport.unsupported", `dir:${path} has no name behind a colon`);
}
