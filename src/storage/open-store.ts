import type { StorePlace } from "../config/store-place.ts";
import { areasOf } from "./areas-of.ts";
import type { Clock } from "./clock.ts";
import { ContainersStore } from "./containers-store.ts";
import { StorageError } from "./errors.ts";
import type { Store } from "./store.ts";

/** How a store is opened. */
export interface OpenStoreOptions {
  readonly signal: AbortSignal;
  /** True for what only reads: nothing is made, tidied up or locked, and the store need not be there. */
  readonly readOnly?: boolean;
  /** How long to wait for a lock. Default 120 000: older podmans keep one all the while they unpack a layer. */
  readonly patienceMs?: number;
  readonly clock?: Clock;
}

/**
 * Opens a store. One that will be written is made where it is not there yet, and what dead writers left is removed.
 *
 * @throws {StorageError} `storage.unsupported` where the store's settings are none that we write under
 */
export async function openStore(place: StorePlace, options: OpenStoreOptions): Promise<Store> {
  const areas = areasOf(place);
  if (options.readOnly === true) return new ContainersStore(place, areas, undefined);
  refuseUnsupported(place);
  // Whoever only reads is spared the native code.
  const { StoreWriter } = await import("./store-writer.ts");
  const writer = await StoreWriter.open({
    areas,
    runroot: place.runroot,
    mountProgram: place.mountProgram,
    userNamespace: place.userNamespace,
    ignoreChownErrors: place.ignoreChownErrors ?? false,
    locks: { signal: options.signal, patienceMs: options.patienceMs ?? 120_000 },
    clock: options.clock ?? (() => performance.timeOrigin + performance.now()),
  });
  return new ContainersStore(place, areas, writer);
}

function refuseUnsupported({ readOnlyBecause = [], imageStore }: StorePlace): void {
  const reasons = [...(imageStore ? ["imagestore"] : []), ...readOnlyBecause];
  if (reasons.length === 0) return;
  throw new StorageError(
    "storage.unsupported",
    `the store is set up with ${reasons.join(", ")}, under which nothing can be written`,
    {
      hint: `Switch ${reasons.join(", ")} off in storage.conf, or name another store in brackets.`,
    },
  );
}
