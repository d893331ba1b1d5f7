import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { wrapping } from "./cached-script.ts";
import { compileEncoder } from "./compile-encoder.ts";

const root = join(import.meta.dirname, "..");

/**
 * Packages that most runs have no use for, by the file of their own that they are loaded from when they are asked for.
 * Those that know each other's classes share one.
 */
const seldom: Readonly<Record<string, readonly string[]>> = {
  tldts: ["tldts"],
  yaml: ["yaml"],
  openpgp: ["openpgp"],
  re2js: ["re2js"],
  ciphers: ["@noble/ciphers/salsa.js"],
  server: ["fastify", "pino", "prom-client"],
  jobs: ["bullmq", "ioredis"],
  croner: ["croner"],
  sigstore: ["@sigstore/bundle", "@sigstore/protobuf-specs", "@sigstore/verify"],
};

/**
 * Commands that bring the server along, a third of all code. They are in a program of their own, the whole one: a process
 * runs one of the two, so that no class is there twice.
 */
const serving = {
  commands: ["log", "lookaside", "serve", "signer", "worker"],
  modules: /^\.\/commands\/(log|serve|signer|worker)\.ts$/,
} as const;

/** The two programs. */
const programs = { usual: "program", serving: "server-program" } as const;

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
  // koffi finds its own binary beside itself; the others are the server's, which alone loads them.
  external: ["koffi", "bcryptjs", "jose"],
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
 * Bundles the program into a folder: `main.cjs`, which answers `--version` by itself, `program.cjs` and `server-program.cjs`, of
 * which it starts one by its code cache, the programs of its threads, `deflate.wasm`, which one of them packs with, and the packages that are
 * seldom needed. Gives what went into them.
 */
export async function bundleProgram(folder: string): Promise<readonly Metafile[]> {
  mkdirSync(folder, { recursive: true });
  compileEncoder(join(folder, "deflate.wasm"));
  const built = [
    build({
      ...script,
      entryPoints: { main: "src/main.ts" },
      outdir: folder,
      plugins: [startsCached()],
    }),
    buildOne(folder, programs.usual, [withoutServing()]),
    buildOne(folder, programs.serving, []),
    build({
      ...script,
      entryPoints: {
        "unpack-worker": "src/storage/unpack/worker.ts",
        "copy-worker": "src/storage/copy-tree/worker.ts",
        "bcrypt-worker": "src/server/access/bcrypt-worker.ts",
        "deflate-worker": "src/stream/deflate/worker.ts",
      },
      outdir: folder,
      plugins: besideProgram(),
    }),
    bundlePage(join(folder, "page")),
    build({
      ...script,
      entryPoints: Object.keys(seldom).map((file) => ({ in: file, out: file })),
      outdir: folder,
      plugins: [packages()],
    }),
  ];
  return (await Promise.all(built)).map(({ metafile }) => metafile);
}

/** The program under a name, with more `plugins` than it needs anyway. */
async function buildOne(folder: string, name: string, plugins: readonly Plugin[]) {
  return await build({
    ...script,
    entryPoints: { [name]: "src/cli/program.ts" },
    outdir: folder,
    banner: { js: wrapping.before },
    footer: { js: wrapping.after },
    plugins: [...plugins, apart(), ...besideProgram(), pageApart()],
  });
}

/** Leaves out what {@link startsCached} starts the other program for. */
function withoutServing(): Plugin {
  return {
    name: "without-serving",
    setup(builder) {
      builder.onResolve({ filter: serving.modules }, ({ path }) => ({
        path,
        namespace: "left-out",
      }));
      builder.onLoad({ filter: /^/, namespace: "left-out" }, ({ path }) => ({
        contents: `export function run() { throw new Error("${path} is in another program"); }`,
        loader: "js",
      }));
    },
  };
}

/** The web page: its script in one file, and what goes beside it. */
async function bundlePage(folder: string) {
  const client = join(root, "src/server/page/client");
  const built = await build({
    absWorkingDir: root,
    bundle: true,
    metafile: true,
    format: "esm",
    target: ["chrome115", "firefox115", "safari16.4"],
    minify: true,
    legalComments: "none",
    logLevel: "warning",
    entryPoints: { app: join(client, "app.ts") },
    outdir: folder,
  });
  for (const name of ["index.html", "page.css"]) cpSync(join(client, name), join(folder, name));
  return built;
}

/** Leaves beside the bundled programs what V8 compiles of them in typical runs, for this Node. */
export function warmUp(folder: string): void {
  for (const name of Object.values(programs)) {
    const warmed = [join(root, "scripts/warm-up.ts"), join(folder, `${name}.cjs`)];
    execFileSync(process.execPath, warmed, { stdio: ["ignore", "ignore", "pipe"] });
  }
}

/** In place of the program's import, the start of the one that has the command, by its code cache. */
function startsCached(): Plugin {
  return {
    name: "starts-cached",
    setup(builder) {
      const filter = /cli\/program\.ts$/;
      builder.onResolve({ filter }, ({ path }) => ({ path, namespace: "cached" }));
      builder.onLoad({ filter, namespace: "cached" }, () => ({
        contents: `import { runCachedScript } from "./scripts/cached-script.ts";
          const serves = process.argv.some((word) => ${JSON.stringify(serving.commands)}.includes(word));
          const file = serves ? "${programs.serving}" : "${programs.usual}";
          module.exports = runCachedScript(\`\${__dirname}/\${file}.cjs\`, require).exports;`,
        resolveDir: root,
        loader: "js",
      }));
    },
  };
}

/** Modules that say where a file is which is no part of the bundle: what they export, and the file's name beside the program's. */
const placed: readonly { readonly module: string; readonly name: string; readonly file: string }[] =
  [
    {
      module: "storage/unpack/worker-file",
      name: "workerFile",
      file: "unpack-worker.cjs",
    },
    {
      module: "storage/copy-tree/worker-file",
      name: "copyWorkerFile",
      file: "copy-worker.cjs",
    },
    {
      module: "server/access/bcrypt-worker-file",
      name: "bcryptWorkerFile",
      file: "bcrypt-worker.cjs",
    },
    {
      module: "stream/deflate/worker-file",
      name: "deflateWorkerFile",
      file: "deflate-worker.cjs",
    },
    { module: "stream/deflate/module-file", name: "moduleFile", file: "deflate.wasm" },
  ];

function besideProgram(): Plugin[] {
  return filesApart((file) => `require.resolve("./${file}")`);
}

/** @param place an expression for the place of a file that lies beside the program's bundle */
export function filesApart(place: (file: string) => string): Plugin[] {
  return placed.map(({ module, name, file }) =>
    fileApart(
      new RegExp(`${module}\\.ts$`),
      new RegExp(`/${file.replace(".", "\\.")}$`),
      `export const ${name} = ${place(file)};`,
    ),
  );
}

function pageApart(): Plugin {
  return fileApart(
    /server\/page\/page-files\.ts$/,
    /\/page\/index\.html$/,
    'export const pageFolder = require.resolve("./page/index.html").slice(0, -"/index.html".length);',
  );
}

function fileApart(where: RegExp, file: RegExp, contents: string): Plugin {
  return {
    name: `file-apart ${where.source}`,
    setup(builder) {
      builder.onLoad({ filter: where }, () => ({ contents, loader: "js" }));
      builder.onResolve({ filter: file }, ({ path }) => ({ path, external: true }));
    },
  };
}

/** Takes packages that are seldom needed from their files. */
function apart(): Plugin {
  return {
    name: "apart",
    setup(builder) {
      const files = new Map(
        Object.entries(seldom).flatMap(([file, names]) => names.map((name) => [name, file])),
      );
      builder.onResolve({ filter: /^[@a-z]/ }, ({ path }) =>
        files.has(path) ? { path, namespace: "apart" } : undefined,
      );
      builder.onResolve({ filter: /\.cjs$/, namespace: "apart" }, ({ path }) => ({
        path,
        external: true,
      }));
      builder.onLoad({ filter: /^/, namespace: "apart" }, ({ path }) => ({
        contents: `module.exports = require("./${files.get(path)}.cjs")["${path}"];`,
        loader: "js",
      }));
    },
  };
}

/** The files of {@link seldom}: each has its packages by name. */
function packages(): Plugin {
  return {
    name: "packages",
    setup(builder) {
      builder.onResolve({ filter: /^/ }, ({ path, kind }) =>
        kind === "entry-point" ? { path, namespace: "packages" } : undefined,
      );
      builder.onLoad({ filter: /^/, namespace: "packages" }, ({ path }) => ({
        contents: `module.exports = {
          ${(seldom[path] ?? []).map((name) => `get "${name}"() { return require("${name}"); },`).join("\n")}
        };`,
        resolveDir: root,
        loader: "js",
      }));
    },
  };
}
