import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";
import { skopeo } from "./skopeo.ts";
import { type TempFolder, tempFolder } from "./temp.ts";

export type StorageDriver = "overlay" | "vfs";

/** A store of containers' images in a folder of its own. Needs root. */
export interface TestStore extends AsyncDisposable {
  readonly driver: StorageDriver;
  readonly root: string;
  /** A reference to an image in it, behind `containers-storage:`. */
  text(name: string): string;
  /** Copies with Debian's skopeo what `source` names into it. */
  fill(source: string, name: string): Promise<void>;
}

/** `await using store = await testStore("overlay")`. */
export async function testStore(driver: StorageDriver): Promise<TestStore> {
  const folder: TempFolder = await tempFolder();
  const root = folder.in("root");
  const runroot = folder.in("run");
  await mkdir(runroot);
  const text = (name: string) => `[${driver}@${root}+${runroot}]${name}`;
  return {
    driver,
    root,
    text,
    async fill(source, name) {
      const result = await skopeo(["copy", "-q", source, `containers-storage:${text(name)}`]);
      if (result.exitCode !== 0) throw new Error(result.stderr);
    },
    async [Symbol.asyncDispose]() {
      // The older tools leave the folder of their driver mounted onto itself.
      await run("umount", ["--quiet", join(root, driver)]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
