import { createCopyCompanions } from "./companions/copy-companions.ts";
import { createLookAtExisting } from "./existing.ts";
import type { Mirror } from "./mirror.ts";
import type { MirrorSteps } from "./parts.ts";
import { createPrune } from "./prune.ts";
import { createEnumerate } from "./selection/enumerate.ts";
import { compileNameRules } from "./selection/name-rules.ts";

/** What goes on around the copies of one run of a mirror. */
export function createSteps(mirror: Mirror): MirrorSteps {
  return {
    enumerate: createEnumerate(mirror),
    lookAtExisting: createLookAtExisting(compileNameRules),
    copyCompanions: createCopyCompanions(),
    prune: createPrune(compileNameRules),
  };
}
