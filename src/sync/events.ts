import type { CopyEvent } from "../copy/events.ts";
import type { Digest } from "../core/digest.ts";
import type { ImageReference } from "../core/image-reference.ts";

/** One image of a run. Numbers count from 1 in the order in which they were found. */
export interface SyncItem {
  readonly number: number;
  readonly rule: string;
  readonly from: ImageReference;
  readonly to: ImageReference;
}

/** How it went with one image. */
export type SyncOutcome =
  | { readonly type: "copied"; readonly digest: Digest; readonly previous?: Digest }
  /** The destination was the same already. */
  | { readonly type: "unchanged"; readonly digest: Digest }
  /** Left as it is, as the rule says. */
  | { readonly type: "left"; readonly why: "if-absent" | "immutable" }
  | {
      readonly type: "failed";
      readonly code: string;
      readonly message: string;
      readonly refused: boolean;
    };

/** Numbers of one image or of a run. */
export interface SyncFigures {
  /** Bytes read from the source. */
  readonly bytesMoved: number;
  /** Bytes that were there already, or mounted. */
  readonly bytesSpared: number;
  readonly ms: number;
}

/** What happens while a mirror runs, told as it happens. */
export type SyncEvent =
  /** A repository is asked for its tags, or a catalog for its repositories. */
  | { readonly type: "listing"; readonly rule: string; readonly what: string }
  | {
      readonly type: "listed";
      readonly rule: string;
      readonly what: string;
      readonly found: number;
      readonly taken: number;
    }
  | {
      readonly type: "listing-failed";
      readonly rule: string;
      readonly what: string;
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: "image-started"; readonly item: SyncItem }
  | { readonly type: "image-event"; readonly item: SyncItem; readonly event: CopyEvent }
  /** What went along: a referrer by its artifact type, a digest tag by its name. `bytes` of blobs read from the source. */
  | {
      readonly type: "companion";
      readonly item: SyncItem;
      readonly manifest: Digest;
      readonly what: string;
      readonly bytes: number;
    }
  /** What did not go along, and why that is no failure. */
  | {
      readonly type: "companion-left";
      readonly item: SyncItem;
      readonly manifest: Digest;
      readonly what: string;
      readonly why: string;
    }
  | {
      readonly type: "image-ended";
      readonly item: SyncItem;
      readonly outcome: SyncOutcome;
      readonly figures: SyncFigures;
    }
  | {
      readonly type: "pruned";
      readonly rule: string;
      readonly reference: ImageReference;
      readonly dryRun: boolean;
    }
  | {
      readonly type: "prune-refused";
      readonly rule: string;
      readonly repository: string;
      readonly would: number;
      readonly of: number;
    };

/** Takes note of what happens; it must neither throw nor wait. */
export type ReportSync = (event: SyncEvent) => void;

/** How a run went. */
export interface SyncSummary extends SyncFigures {
  readonly images: number;
  readonly copied: number;
  readonly unchanged: number;
  readonly left: number;
  readonly failed: number;
  readonly companions: number;
  readonly pruned: number;
  /** Rules that could not be listed, or whose pruning was refused. */
  readonly failedRules: number;
}
