import type { Digest } from "../../core/digest.ts";
import type { TreeCover } from "../tree-cover.ts";
import type { RingMemory } from "./byte-ring.ts";
import type { UnpackLimits } from "./limits.ts";

/** Where a layer goes, and how. */
export interface UnpackTarget {
  /** A folder, there already: empty for overlay, with the tree of the layers below for the others, unless that comes later. */
  readonly folder: string;
  /** Where the gzipped tar-split goes: a file that is not there yet. */
  readonly tarSplit?: string;
  /**
   * How whiteouts are kept: as overlayfs wants them, as plain files for a mount program, or not at all, what they name being
   * removed: for vfs, and "plain" for a root filesystem by itself.
   */
  readonly whiteouts: "overlay" | "mount-program" | "vfs" | "plain";
  /** Runs in a user namespace: no devices, and what the kernel refuses there is left out. */
  readonly userNamespace: boolean;
  /** storage.conf's `ignore_chown_errors`. */
  readonly ignoreChownErrors?: boolean;
  readonly limits?: Partial<UnpackLimits>;
  /** `later`: the tree of the layers below is not in the folder yet, and will be laid below what comes. */
  readonly base?: "there" | "later";
}

/** What became of a layer: what its record says. */
export interface UnpackedLayer {
  /** Of the whole stream, unpacked. */
  readonly diffId: Digest;
  readonly diffSize: number;
  /** As in layers.json: 0 none, 2 gzip, 4 zstd. */
  readonly compression: 0 | 1 | 2 | 3 | 4;
  /** All owners of the tar, in order. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** An entry for the root itself has set its owner and mode. */
  readonly rootSet: boolean;
  /**
   * Of a base that comes later: how it is to be laid below the first target. `again`: it cannot be, the layer has to be unpacked
   * upon it; the tree and the tar-split are good for nothing but making the layer's tar of them.
   */
  readonly cover?: TreeCover | "again" | undefined;
}

/** What a worker is started with. */
export interface WorkerTask {
  readonly ring: RingMemory;
  readonly targets: readonly UnpackTarget[];
}

/** What a worker for several layers, one after the other, is started with. */
export interface PoolTask {
  /** The folders that it may touch: all that its tasks name lies in them. */
  readonly pool: readonly string[];
}

/** A failure on its way from the worker: what makes the same error on the other side. */
export interface SentFailure {
  readonly kind: "content" | "copy" | "unpack" | "other";
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly stack?: string;
}

/** What a worker ends with. */
export type WorkerResult = { readonly layer: UnpackedLayer } | { readonly failure: SentFailure };
