import type { Fill, RegistryStore } from "../store/registry-store.ts";
import type { Backend } from "../v2/backend.ts";

/** What upstreams are kept in: of the server's store, what is used here. */
export type UpstreamStore = Backend & Pick<RegistryStore, "cache">;

/** A growing file of the store. */
export type CacheFill = Fill;

/** When a tag was "checked" that was pushed here and that its upstream knows nothing of: it is never asked for it. */
export const neverAsk: number = Number.MAX_SAFE_INTEGER;
