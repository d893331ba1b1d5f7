import { existsSync } from "node:fs";
import type { Environment } from "../config/environment.ts";
import { KnownError } from "../core/errors.ts";

/** The store of local images, as configured; nothing in it is read. */
export async function storeLines(environment: Environment): Promise<readonly string[]> {
  const { loadStorePlace } = await import("../config/load-store-place.ts");
  try {
    const place = await loadStorePlace(environment);
    const isThere = existsSync(place.graphroot) ? "" : " (not there yet)";
    return [
      "Local images:",
      `  driver: ${place.driver}`,
      `  graphroot: ${place.graphroot}${isThere}`,
      `  runroot: ${place.runroot}`,
      ...place.additional.map((root) => `  read along: ${root}`),
      ...(place.readOnlyBecause ?? []).map((setting) => `  only read, because of ${setting}`),
    ];
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return ["Local images:", `  problem: ${error.message}`];
  }
}
