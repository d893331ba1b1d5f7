import { readFileSync } from "node:fs";
import { moduleFile } from "./module-file.ts";

/** What the compiled encoder exports: see encoder/encoder.ts. */
export interface Encoder {
  readonly memory: { readonly buffer: ArrayBuffer };
  contentAt(): number;
  packedAt(): number;
  deflate(before: number, length: number): number;
}

/** What Node has and its types lack. */
interface WebAssemblyApi {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** An encoder of one's own: it packs one piece at a time, on the calling thread. */
export function loadEncoder(): Encoder {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
  return new WebAssembly.Instance(new WebAssembly.Module(readFileSync(moduleFile)))
    .exports as Encoder;
}
