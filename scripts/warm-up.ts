// Runs the bundled program through what is done most, in one process, and leaves what V8 compiled of it beside it:
// node scripts/warm-up.ts FILE
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { runProgram } from "../src/cli/program.ts";
import { cacheOf, runCachedScript } from "./cached-script.ts";
import { warmRegistry } from "./warm-registry.ts";

const file = resolve(process.argv[2] ?? "dist/program.cjs");
const home = mkdtempSync(join(tmpdir(), "amphora-warm-"));
Object.assign(process.env, { HOME: home, XDG_RUNTIME_DIR: home });
const server = warmRegistry().listen(0, "127.0.0.1");
await once(server, "listening");
const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

process.setMaxListeners(50);
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(50);
const script = runCachedScript(file, createRequire(file));
const { runProgram: run } = script.exports as { readonly runProgram: typeof runProgram };
const lax = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const copy = (...words: readonly string[]) => ["--insecure-policy", "copy", ...lax, ...words];
const image = `docker://${host}/warm/image:latest`;
const sync = ["--insecure-policy", "sync", "--src", "docker", "--dest", "docker", ...lax];
const zstd = ["--dest-compress-format", "zstd", "--dest-force-compress-format"];

// Results do not matter: a run that fails leaves its part cold.
for (const argv of [
  copy("-q", image, `docker://${host}/warm/copy:latest`),
  copy("-q", image, `docker://${host}/warm/copy:latest`),
  copy(image, `oci:${home}/oci:latest`),
  copy("-q", `oci:${home}/oci:latest`, `dir:${home}/dir`),
  copy("-q", `dir:${home}/dir`, `docker://${host}/warm/again:latest`),
  copy("-q", ...zstd, image, `docker://${host}/warm/zstd:latest`),
  copy("-q", "--dest-decompress", image, `dir:${home}/plain`),
  copy("-q", `dir:${home}/plain`, `docker://${host}/warm/gzip:latest`),
  ["inspect", "--tls-verify=false", image],
  ["inspect", "--tls-verify=false", `docker://${host}/warm/none:latest`],
  ["list-tags", "--tls-verify=false", `docker://${host}/warm/image`],
  [...sync, `${host}/warm/image`, `${host}/mirror`],
  [...sync, `${host}/warm/image`, `${host}/mirror`],
]) {
  await run({ program: "amphora", version: "", argv });
}
setFlagsFromString("--heap-growing-percent=0"); // as it was before sync (0080): V8 takes a cache only under the flags of its making
writeFileSync(cacheOf(file), script.codeCache());
server.close();
rmSync(home, { recursive: true, force: true });
