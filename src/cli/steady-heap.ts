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

/** Below either, a heap has not grown enough to be worth a collection. */
const shortRun = { images: 256, ms: 3000 };

/**
 * As {@link keepHeapSteady}, once a run is a long one. By then all of Node is loaded that a mirror needs: what Node loads of
 * itself after flags were set, it compiles anew.
 */
export function steadyWhenLong(report: ReportSync): ReportSync {
  const since = performance.now();
  let ended = 0;
  let isSteady = false;
  return (event) => {
    report(event);
    if (isSteady || event.type !== "image-ended") return;
    ended++;
    if (ended < shortRun.images && performance.now() - since < shortRun.ms) return;
    isSteady = true;
    keepHeapSteady();
  };
}
