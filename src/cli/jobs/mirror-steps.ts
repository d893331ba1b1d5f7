import { createCopyCompanions } from "../../sync/companions/copy-companions.ts";
import type { Mirror } from "../../sync/mirror.ts";
import type { MirrorSteps } from "../../sync/parts.ts";
import { createEnumerate } from "../../sync/selection/enumerate.ts";

/** What goes on around the copies of one run of a mirror. */
export async function mirrorSteps(mirror: Mirror): Promise<MirrorSteps> {
  return {
    enumerate: createEnumerate(mirror),
    lookAtExisting: async () => ({ type: "go-on" }),
    copyCompanions: createCopyCompanions(),
    prune: async () => {},
  };
}
