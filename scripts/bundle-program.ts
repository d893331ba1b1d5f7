import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..");

/** Packages that most runs have no use for: files of their own, loaded when they are asked for. */
const seldom = ["tldts", "yaml"];

/** What every bundle of ours has in common. */
export const bundled = {
  absWorkingDir: root,
  bundle: true,
  metafile: true,
  platform: "node",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "warning",
} as const satisfies BuildOptions;

// A script that is started by its code cache knows no import(): dynamic ones become require().
const script = {
  ...bundled,
  format: "cjs",
  charset: "ascii",
  outExtension: { ".js": ".cjs" },
  mainFields: ["module", "main"],
  supported: { "dynamic-import": false },
} as const satisfies BuildOptions;

/**
 * Bundles the program into a folder: `main.cjs`, which answers `--version` by itself, `program.cjs`, which it starts by
 * its code cache, and the packages that are seldom needed. Gives what went into them.
 */
export async function bundleProgram(folder: string): Promise<readonly Metafile[]> {
  const built = [
    build({
      ...script,
      entryPoints: { main: "src/main.ts" },
      outdir: folder,
      plugins: [startsCached()],
    }),
    build({
      ...script,
      entryPoints: { program: "src/cli/program.ts" },
      outdir: folder,
      plugins: [apart()],
    }),
    build({
      ...script,
      entryPoints: Object.fromEntries(seldom.map((name) => [name, name])),
      outdir: folder,
    }),
  ];
  return (await Promise.all(built)).map(({ metafile }) => metafile);
}

/** Leaves beside a bundled program what V8 compiles of it in typical runs, for this Node. */
export function warmUp(folder: string): void {
  const warmed = [join(root, "scripts/warm-up.ts"), folder];
  execFileSync(process.execPath, warmed, { stdio: ["ignore", "ignore", "pipe"] });
}

/** In place of the program's import, its start by the code cache. */
function startsCached(): Plugin {
  return {
    name: "starts-cached",
    setup(builder) {
      const filter = /cli\/program\.ts$/;
      builder.onResolve({ filter }, ({ path }) => ({ path, namespace: "cached" }));
      builder.onLoad({ filter, namespace: "cached" }, () => ({
        contents: `import { runCachedScript } from "./scripts/cached-script.ts";
          module.exports = runCachedScript(__dirname + "/program.cjs", require).exports;`,
        resolveDir: root,
        loader: "js",
      }));
    },
  };
}

/** Points the imports of packages that are seldom needed at their files. */
function apart(): Plugin {
  return {
    name: "apart",
    setup(builder) {
      builder.onResolve({ filter: new RegExp(`^(${seldom.join("|")})$`) }, ({ path }) => ({
        path: `./${path}.cjs`,
        external: true,
      }));
    },
  };
}
