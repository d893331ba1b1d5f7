import { ContainersStore } from "./containers-store.ts";
import type { StorePlace } from "./place.ts";
import type { Store } from "./store.ts";

/** How a store is opened. */
export interface OpenStoreOptions {
  readonly signal: AbortSignal;
  /** True for what only reads: nothing is made, tidied up or locked, and the store need not be there. */
  readonly readOnly?: boolean;
}

/**
 * Opens a store. One that will be written is made where it is not there yet, and what dead writers left is removed.
 *
 * @throws {StorageError} `storage.unsupported` where the store's settings are none that we write under
 */
export async function openStore(place: StorePlace, options: OpenStoreOptions): Promise<Store> {
  return new ContainersStore(place, options);
}
