import type { Digest } from "../../core/digest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { chooseInstance } from "../../core/platform.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { BlobCache } from "./blobs.ts";
import { listedContent } from "./listed-content.ts";
import type { ManifestCache } from "./manifests.ts";
import type { ReferrerLists } from "./referrer-lists.ts";
import type { Upstream } from "./upstream-client.ts";

/** Fetches that wait for their turn; more are not begun. */
const mostWaiting = 100;

/** What is fetched ahead. */
export interface PrefetchParts {
  readonly manifests: ManifestCache;
  readonly blobs: BlobCache;
  readonly referrers: ReferrerLists;
}

/** Something that was fetched because somebody asked for it. */
interface Fetched {
  readonly upstream: Upstream;
  readonly repository: ServedRepository;
  readonly manifest: RawManifest;
}

/** Fetches what will be asked for next, one image at a time; what fails is left to whoever asks. */
export class Prefetch implements AsyncDisposable {
  readonly #parts: PrefetchParts;
  readonly #stop = new AbortController();
  #waiting = 0;
  #line: Promise<void> = Promise.resolve();

  constructor(parts: PrefetchParts) {
    this.#parts = parts;
  }

  /** Told of each manifest that was fetched for somebody. */
  after(fetched: Fetched): void {
    const { platformsToPrefetch, prefetchReferrers } = fetched.upstream.settings;
    const isWanted =
      prefetchReferrers ||
      (platformsToPrefetch.length > 0 && isIndexType(fetched.manifest.mediaType));
    if (!isWanted || this.#waiting >= mostWaiting) return;
    this.#waiting++;
    this.#line = this.#line
      .then(() => this.#fetch(fetched))
      .catch(() => {})
      .finally(() => this.#waiting--);
  }

  /** Resolves when nothing is left to be fetched. */
  get settled(): Promise<void> {
    return this.#line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("the server ends", "AbortError"));
    await this.#line;
  }

  async #fetch(fetched: Fetched): Promise<void> {
    this.#stop.signal.throwIfAborted();
    const call = { caller: { user: undefined, address: "" }, signal: this.#stop.signal };
    for (const digest of instancesOf(fetched)) await this.#fetchImage(fetched, digest, call);
    if (!fetched.upstream.settings.prefetchReferrers) return;
    const { upstream, repository, manifest } = fetched;
    const found = await this.#parts.referrers.read(upstream, repository, manifest.digest, call);
    for (const { digest } of found) await this.#fetchImage(fetched, digest, call);
  }

  async #fetchImage({ upstream, repository }: Fetched, digest: Digest, call: ServerCall) {
    const { manifests, blobs } = this.#parts;
    const reference = { type: "digest", digest } as const;
    const manifest = await manifests.read(upstream, repository, reference, call);
    if (!manifest) return;
    for (const { digest: blob, kind, foreign } of listedContent(manifest)) {
      if (kind === "blob" && !foreign)
        await blobs.fetch({ upstream, repository, digest: blob, call });
    }
  }
}

function instancesOf({ upstream, manifest }: Fetched): readonly Digest[] {
  if (!isIndexType(manifest.mediaType)) return [];
  const index = parseIndexManifest(manifest);
  const found = upstream.settings.platformsToPrefetch.flatMap((text) => {
    const [os = "", architecture = "", variant] = text.split("/");
    try {
      return [
        chooseInstance(index, { os, architecture, ...(variant !== undefined && { variant }) })
          .digest,
      ];
    } catch {
      return []; // there is none for this platform
    }
  });
  return [...new Set(found)];
}
