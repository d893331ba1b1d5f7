import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ReportSync } from "../sync/events.ts";

/**
 * Has the heap collected when it has grown by a fifth of what is in use, where V8 lets it grow to several times that: for
 * commands that run long and leave much behind (docs/decisions/0080). Set once the program is loaded: as a flag of the start it
 * would cost the code cache.
 */
export function keepHeapSteady(): void {
  setFlagsFromString("--heap-growing-percent=20");
}

/** By then all of Node is loaded that a mirror needs: what Node loads of itself after flags were set, it compiles anew. */
const firstImages = 64;
/** What so many have left among what lives long is worth a collection: 2 MB, with nothing to do, for some 30 ms. */
const imagesBetween = 512;

/**
 * As {@link keepHeapSteady} once some images have ended, and collects by itself every few hundred: V8 lets a heap grow by 8 MB
 * and the size of the nursery, whatever it is told. Short runs have no need of either.
 */
export function steadyWhenLong(report: ReportSync): ReportSync {
  let ended = 0;
  let collect: (() => void) | undefined;
  return (event) => {
    report(event);
    if (event.type !== "image-ended") return;
    ended++;
    if (ended === firstImages) keepHeapSteady();
    if (ended % imagesBetween !== 0) return;
    collect ??= collector();
    collect();
  };
}

/** Node gives no other way to it that would not enable a debugger. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
