import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import binaryen from "binaryen";

const root = join(import.meta.dirname, "..");
const compiler = join(root, "node_modules/assemblyscript/bin/asc.js");
const source = "src/stream/deflate/encoder/encoder.ts";

/**
 * Compiles the deflate encoder, which is written in AssemblyScript, to a WebAssembly module. Its many small functions are put
 * into each other further than the compiler would by itself: a sixth of the time.
 */
export function compileEncoder(file: string): void {
  const options = ["--outFile", file, "--runtime", "stub", "--noAssert"];
  execFileSync(process.execPath, [compiler, source, ...options], { cwd: root, stdio: "inherit" });
  writeFileSync(file, inlined(readFileSync(file)));
}

function inlined(compiled: Uint8Array): Uint8Array {
  const module = binaryen.readBinary(compiled);
  module.setFeatures(binaryen.Features.All);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  binaryen.setAlwaysInlineMaxSize(60);
  binaryen.setFlexibleInlineMaxSize(400);
  binaryen.setOneCallerInlineMaxSize(1000);
  module.optimize();
  module.optimize(); // what was put together can be made smaller
  const binary = module.emitBinary();
  module.dispose();
  return binary;
}
