import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type TempFolder, tempFolder } from "./temp.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The program as it is shipped: bundled, with its compile cache. Starts three times faster than from its sources. */
export interface BuiltProgram extends AsyncDisposable {
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Bundles the sources as `scripts/build.ts` does, into a folder of its own: tests see what is in the tree now. */
export async function buildProgram(): Promise<BuiltProgram> {
  const folder: TempFolder = await tempFolder();
  await build({
    absWorkingDir: root,
    entryPoints: { main: "src/main.ts" },
    outdir: folder.in("dist"),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    banner: {
      js: 'import{createRequire as amphoraRequire}from"node:module";const require=amphoraRequire(import.meta.url);',
    },
    logLevel: "error",
  });
  return {
    main: folder.in("dist", "main.mjs"),
    env: { NODE_COMPILE_CACHE: folder.in("cache") },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
