import { setFlagsFromString } from "node:v8";

/**
 * Has the heap collected when it has grown by a fifth of what is in use, where V8 lets it grow to several times that: for
 * commands that run long and leave much behind (docs/decisions/0080). Set once the program is loaded: as a flag of the start it
 * would cost the code cache.
 */
export function keepHeapSteady(): void {
  setFlagsFromString("--heap-growing-percent=20");
}
