// Bundles the program into dist/: entry points of the command line and of the library, split so that a command loads
// only what it needs. Ends by running it once, which fills the compile cache that bin/amphora points Node at.
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { main: "src/main.ts" },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: "none",
  sourcemap: false,
  define: { AMPHORA_VERSION: JSON.stringify(version) },
  banner: {
    js: 'import{createRequire as amphoraRequire}from"node:module";const require=amphoraRequire(import.meta.url);',
  },
  logLevel: "warning",
});
chmodSync(join(root, "bin/amphora"), 0o755);
execFileSync(join(root, "bin/amphora"), ["--help"], { stdio: "ignore" });
