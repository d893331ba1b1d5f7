import { bundleProgram, warmUp } from "../../scripts/bundle-program.ts";
import { type TempFolder, tempFolder } from "./temp.ts";

/** The program as it is shipped: bundled, with its code cache. Starts three times faster than from its sources. */
export interface BuiltProgram extends AsyncDisposable {
  readonly main: string;
}

/** Bundles the sources as `scripts/build.ts` does, into a folder of its own: tests see what is in the tree now. */
export async function buildProgram(): Promise<BuiltProgram> {
  const folder: TempFolder = await tempFolder();
  const dist = folder.in("dist");
  await bundleProgram(dist);
  warmUp(dist);
  return {
    main: folder.in("dist", "main.cjs"),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
