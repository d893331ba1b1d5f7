import { createTransfers } from "../../copy/transfers.ts";
import { Compression } from "../../stream/recompress.ts";
import { createSteps } from "../../sync/default-steps.ts";
import type { Enumerate } from "../../sync/ends.ts";
import type { Mirror } from "../../sync/mirror.ts";
import type { MirrorParts } from "../../sync/parts.ts";
import { clock } from "../clock.ts";
import type { CommandContext } from "../context.ts";
import { steadyWhenLong } from "../steady-heap.ts";

/** Images under way, where nothing else is said. */
export const imagesAtOnce = 32;
/** Requests of each kind that a host gets at once, unless it asks for less: as many as there are images. */
export const requestsAtOnce = imagesAtOnce;
const blobsAtOnce = 16;

/** What a command decides of a run; the rest is the same for all. */
export type RunWish = Pick<MirrorParts, "gate" | "signing" | "report" | "failed" | "retries"> & {
  readonly mirror: Mirror;
  /** Where images are found otherwise than the mirror says. */
  readonly enumerate?: Enumerate;
} & Partial<
    Pick<
      MirrorParts,
      "retryDelayMs" | "keepGoing" | "dryRun" | "ends" | "parallel" | "coordinator" | "state"
    >
  >;

/** Parts of a run that share all they can: transfers, cores, connections. */
export function runParts(
  { signal, flags, program }: CommandContext,
  { mirror, enumerate, ...wish }: RunWish,
): MirrorParts {
  const asked = program === "skopeo" ? 0 : flags.number("parallel");
  return {
    ends: {
      open: async (name) => {
        throw new Error(`Nothing is asked of ${name}: the images have been found`);
      },
    },
    transfers: createTransfers(blobsAtOnce),
    compression: new Compression(),
    steps: { ...createSteps(mirror), ...(enumerate && { enumerate }) },
    clock,
    random: Math.random,
    signal,
    parallel: imagesAtOnce,
    keepGoing: true,
    dryRun: false,
    ...wish,
    report: steadyWhenLong(wish.report),
    ...(asked > 0 && { parallel: asked }),
  };
}
