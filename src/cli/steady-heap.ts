import { setFlagsFromString } from "node:v8";
import type { ReportSync } from "../sync/events.ts";

/**
 * Has the heap collected when it has grown by a fifth of what is in use, where V8 lets it grow to several times that: for
 * commands that run long and leave much behind (docs/decisions/0080). Set once the program is loaded: as a flag of the start it
 * would cost the code cache.
 */
export function keepHeapSteady(): void {
  setFlagsFromString("--heap-growing-percent=20");
}

/**
 * As {@link keepHeapSteady}, once the first image has ended: by then all of Node is loaded that a mirror needs. What Node loads
 * of itself after flags were set, it compiles anew, and a run with nothing to do took twice as long to start.
 */
export function steadyAfterFirst(report: ReportSync): ReportSync {
  let isSteady = false;
  return (event) => {
    report(event);
    if (isSteady || event.type !== "image-ended") return;
    isSteady = true;
    keepHeapSteady();
  };
}
