import type { Case } from "./case.ts";
import { copyCases } from "./cases-copy.ts";
import { fileCases } from "./cases-files.ts";
import { hostileCases } from "./cases-hostile.ts";
import { inspectCases } from "./cases-inspect.ts";
import { loginCases, otherCases } from "./cases-others.ts";
import { suiteCases } from "./cases-suites.ts";
import { syncCases } from "./cases-sync.ts";

/** Every invocation that is compared. */
export const cases: readonly Case[] = [
  ...inspectCases,
  ...otherCases,
  ...loginCases,
  ...copyCases,
  ...hostileCases,
  ...fileCases,
  ...suiteCases,
  ...syncCases,
];
