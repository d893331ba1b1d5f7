import type { RegistryHostOptions } from "../registry/options.ts";
import type { Coordinator } from "./coordinator.ts";

/**
 * What a registry's client is made with where a coordinator is to be heeded. Of one user of a host, `account` is the name,
 * or anything else that tells users apart: registries count pulls for each.
 */
export function hostOptions(
  coordinator: Coordinator,
  host: string,
  account?: string,
): Pick<RegistryHostOptions, "limits" | "budget" | "blobPlaces" | "exclusively"> {
  const { slots, keptPulls } = coordinator.limitsOf(host);
  return {
    limits: {
      ...(slots !== undefined && { slots }),
      ...(keptPulls !== undefined && { keptPulls }),
    },
    budget: coordinator.budget(host, account),
    blobPlaces: coordinator.blobPlaces(host),
    // of one process alone: another might change the list too
    ...(coordinator.reach === "workers" && {
      exclusively: (key, signal, work) => coordinator.exclusively(key, signal, work),
    }),
  };
}
