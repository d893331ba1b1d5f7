import type { BlobCache } from "./blobs.ts";
import type { ManifestCache } from "./manifests.ts";
import type { ReferrerLists } from "./referrer-lists.ts";
import type { UpstreamStore } from "./store.ts";
import type { TagLists } from "./tag-lists.ts";

/** What pushing works with: reading must learn of what was pushed. */
export interface PushParts {
  readonly store: UpstreamStore;
  readonly manifests: ManifestCache;
  readonly blobs: BlobCache;
  readonly tags: TagLists;
  readonly referrers: ReferrerLists;
  readonly now: () => number;
}
