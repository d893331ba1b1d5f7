import type { Log } from "../log.ts";

/** Where what happens while images are looked for is told: skopeo's lines, or less. */
export type TellSync = Pick<Log, "info" | "warning" | "error">;

/** Only what is wrong is told. */
export function onlyTroubles(log: Log): TellSync {
  return { info() {}, warning: log.warning, error: log.error };
}
