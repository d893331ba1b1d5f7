import type { Digest } from "../core/digest.ts";
import { missingEntries, type ReferrerList, withEntries } from "./referrer-list.ts";

/** What stood in a list so shortly ago is not missing because somebody cleared up. */
const rememberedMs = 60_000;
const mostRemembered = 1000;

/** What stood in a list of referrers when it was last looked at: what is missing since may be lost to another writer. */
export class ListMemory {
  #list: ReferrerList | undefined;
  #at = 0;

  remember(list: ReferrerList, now: number): void {
    this.#list = list.manifests.length > mostRemembered ? undefined : list;
    this.#at = now;
  }

  /** The list with those at its end again that are missing, and of which `exists` says that they are not deleted. */
  async restored(
    list: ReferrerList,
    now: number,
    exists: (manifest: Digest) => Promise<boolean>,
  ): Promise<ReferrerList> {
    if (!this.#list || now - this.#at > rememberedMs) return list;
    const lost = [];
    for (const entry of missingEntries(this.#list, list)) {
      if (await exists(entry.digest)) lost.push(entry);
    }
    return withEntries(list, lost);
  }
}
