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
  /** `previous`: what the destination's name stood for, where that was another image; `backup`: the tag that this has now. */
  | {
      readonly type: "copied";
      readonly digest: Digest;
      readonly previous?: Digest;
      readonly backup?: string;
    }
  /** Of a dry run. `digest` where a copy would keep it; `bytes` of the layers, whether or not they are there already. */
  | {
      readonly type: "would-copy";
      readonly digest?: Digest;
      readonly previous?: Digest;
      readonly backup?: string;
      readonly bytes: number;
    }
  /** The destination was the same already. */
  | { readonly type: "unchanged"; readonly digest: Digest }
  /** Left as it is, as the rule says. */
  | {
      readonly type: "left";
      readonly why: "if-absent" | "immutable";
      /** Somebody else gave the name to an image while this one was copied. */
      readonly raced?: boolean;
    }
  | {
      readonly type: "failed";
      readonly code: string;
      readonly message: string;
      readonly refused: boolean;
    }
  /** Called off before its end, by a signal or since another image failed: nothing is known of it. */
  | { readonly type: "stopped" };

/** Numbers of one image. */
export interface SyncFigures {
  /** Bytes read from the source. */
  readonly bytesMoved: number;
  /** Bytes that were there already, or mounted. */
  readonly bytesSpared: number;
  readonly ms: number;
  /** How often the image was begun again: requests that were sent again do not count. */
  readonly retries: number;
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
      /** What a catalog lists; absent: images. */
      readonly of?: "repositories";
      /** The rule of `tags` that the last of them did not pass, where none is taken. */
      readonly ruledOutBy?: string;
    }
  /** All of a rule was listed, and it takes no image: its filters may not be what was meant. */
  | {
      readonly type: "nothing-taken";
      readonly rule: string;
      readonly why: string;
    }
  /** It failed in a way that may pass. `attempt` counts from 1, `of` are made at most. */
  | {
      readonly type: "listing-retrying";
      readonly rule: string;
      readonly what: string;
      readonly attempt: number;
      readonly of: number;
      readonly delayMs: number;
      readonly message: string;
    }
  | {
      readonly type: "listing-failed";
      readonly rule: string;
      readonly what: string;
      readonly code: string;
      readonly message: string;
      /** It may go well another time. */
      readonly retryable: boolean;
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
  /** It failed in a way that may pass. `attempt` counts from 1, `of` are made at most. */
  | {
      readonly type: "image-retrying";
      readonly item: SyncItem;
      readonly attempt: number;
      readonly of: number;
      readonly delayMs: number;
      readonly message: string;
    }
  | {
      readonly type: "image-ended";
      readonly item: SyncItem;
      readonly outcome: SyncOutcome;
      /** Of the source's top manifest, where it got so far. */
      readonly source?: Digest;
      readonly figures: SyncFigures;
    }
  | {
      readonly type: "pruned";
      readonly rule: string;
      readonly reference: ImageReference;
      readonly dryRun: boolean;
    }
  /** Would be removed, and cannot be without taking others along. */
  | {
      readonly type: "prune-left";
      readonly rule: string;
      readonly reference: ImageReference;
      readonly why: string;
    }
  | {
      readonly type: "prune-refused";
      readonly rule: string;
      readonly repository: string;
      readonly would: number;
      readonly of: number;
    }
  | {
      readonly type: "prune-failed";
      readonly rule: string;
      readonly code: string;
      readonly message: string;
      /** It may go well another time. */
      readonly retryable: boolean;
    };

/** Takes note of what happens; it must neither throw nor wait. */
export type ReportSync = (event: SyncEvent) => void;

/** How a run went. */
export interface SyncSummary extends Omit<SyncFigures, "retries"> {
  /** Found; each is counted under one of the five that follow. */
  readonly images: number;
  /** Of a dry run: that would be. */
  readonly copied: number;
  readonly unchanged: number;
  readonly left: number;
  readonly failed: number;
  /** Called off, or never begun, because the run was stopped. */
  readonly stopped: number;
  readonly companions: number;
  readonly pruned: number;
  /** Of rules whose pruning only tells what it would do. */
  readonly prunable: number;
  /** Images and listings that were begun again; requests that were sent again do not count. */
  readonly imageRetries: number;
  /** The run was called off, or stopped at a failure: there may be more images than were found. */
  readonly interrupted?: true;
  /** Rules that could not be listed, or whose pruning was refused. */
  readonly failedRules: number;
}
