import { createCopyCompanions } from "./companions/copy-companions.ts";
import type { Enumerate } from "./ends.ts";
import { type CompileNames, createLookAtExisting } from "./existing.ts";
import type { MirrorSteps } from "./parts.ts";
import { createPrune } from "./prune.ts";

/** What goes on around the copies of one run. */
export function createSteps(enumerate: Enumerate, compileNames: CompileNames): MirrorSteps {
  return {
    enumerate,
    lookAtExisting: createLookAtExisting(compileNames),
    copyCompanions: createCopyCompanions(),
    prune: createPrune(compileNames),
  };
}
