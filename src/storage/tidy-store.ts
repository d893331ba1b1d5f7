import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { unless } from "./errors.ts";
import { removeStaleFolders } from "./instance-folder.ts";

/** Removes what dead writers left outside the databases: folders in which they unpacked or threw away. */
export async function removeLeftovers(area: StoreArea): Promise<void> {
  for (const parent of stagingFolders(area)) {
    const names = unless(["ENOENT", "EACCES"], () => readdirSync(parent)) ?? [];
    await removeStaleFolders(parent, names);
  }
}

/** Where trees and where files of layers are made before they have their place. */
export function stagingFolders(area: StoreArea): readonly [trees: string, files: string] {
  return [join(area.home, "tempdirs"), join(area.layers, "tmp")];
}
