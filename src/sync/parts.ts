import type { Gate } from "../../policy/gate.ts";
import type { CopyJob } from "../copy/copy.ts";
import type { CopyOptions } from "../copy/options.ts";
import type { Signing } from "../copy/sign.ts";
import type { Transfers } from "../copy/transfers.ts";
import type { Digest } from "../core/digest.ts";
import type { KnownError } from "../core/errors.ts";
import type { Clock } from "../registry/clock.ts";
import type { Compression } from "../stream/recompress.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Enumerate, FoundImage, MirrorEnds } from "./ends.ts";
import type { ReportSync, SyncItem } from "./events.ts";
import type { Companions, ExistingRule, MirrorRule } from "./mirror.ts";
import type { ImageEnd } from "./one-image.ts";
import type { SyncState } from "./sync-state.ts";
import type { TryingAgain } from "./try-again.ts";

/** What a run works with. Its parts are shared by all images, so that the run is bounded as a whole. */
export interface MirrorParts extends TryingAgain {
  readonly ends: MirrorEnds;
  readonly gate: Gate;
  readonly transfers: Transfers;
  readonly compression: Compression;
  /** Absent where nothing is signed. */
  readonly signing?: Signing;
  /** What earlier runs made of images that they changed. Absent: these are made anew each time. */
  readonly state?: SyncState;
  /** Absent: nobody else mirrors at the same time. */
  readonly coordinator?: Coordinator;
  readonly steps: MirrorSteps;
  readonly report: ReportSync;
  readonly clock: Clock;
  /** Aborted, it stops the run: what is under way is called off and told of as "stopped". */
  readonly signal: AbortSignal;
  /** Images under way at once; the hosts' own gates bound what they are asked. */
  readonly parallel: number;
  /** Of a listing, and of an image from its start. */
  readonly retries: number;
  /** Given the error itself of an image that failed, of which an event has the message only. */
  readonly failed?: (item: SyncItem, error: KnownError) => void;
  /** A failed image does not stop the run. */
  readonly keepGoing: boolean;
  /** Nothing is written; only GET and HEAD are sent. */
  readonly dryRun: boolean;
  /** Brings an image up to date somewhere else: another worker. Absent: all are brought here. */
  readonly elsewhere?: BringElsewhere;
  /** The layers must be told of even where nothing is to be done. */
  readonly tellLayers?: boolean;
}

/** Brings one image up to date, companions too, and tells how it ended; never throws but on bugs. */
export type BringElsewhere = (
  image: SyncImage,
  rule: MirrorRule,
  options: Pick<MirrorParts, "signal">,
) => Promise<ImageEnd>;

/** What goes on around the copies; `defaultSteps` of steps.ts, but in tests. */
export interface MirrorSteps {
  readonly enumerate: Enumerate;
  readonly lookAtExisting: LookAtExisting;
  readonly copyCompanions: CopyCompanions;
  readonly prune: Prune;
}

/** One image of the run, with its ends. */
export interface SyncImage extends FoundImage {
  readonly item: SyncItem;
}

/** A call for one image or rule. */
export interface StepOptions extends CallOptions {
  readonly report: ReportSync;
  readonly dryRun: boolean;
}

/**
 * What a name taken already means for an image. Looks where it must (if-absent), and gives what the copy is to ask before
 * it writes (immutable), since the copy has looked by then.
 */
export type LookAtExisting = (
  rule: ExistingRule,
  image: FoundImage,
  call: CallOptions & { readonly copy: CopyOptions },
) => Promise<Existing>;

/** "left": the image is passed over. */
export type Existing =
  | { readonly type: "left"; readonly why: "if-absent" | "immutable" }
  | {
      readonly type: "go-on";
      readonly mayReplace?: CopyJob["mayReplace"];
      /** "known": the destination's name is free, and not asked after again. It must be free when the image gets it. */
      readonly onlyIfFree?: "known" | "to-be-seen";
      /** What is made of it where the name is not: left for that reason, or a failure. */
      readonly raced?: "if-absent" | KnownError;
    };

/** Brings along what belongs to an image that stands at the destination as `digest`; tells "companion" for each. */
export type CopyCompanions = (
  image: SyncImage,
  digest: Digest,
  wanted: Companions,
  options: StepOptions & {
    readonly parts: MirrorParts;
    /** Of an index, its images; none of an image. Absent: it is to be read. */
    readonly instances?: readonly Digest[];
  },
) => Promise<void>;

/**
 * Removes what a rule does not give any more, after all its images ended; tells "pruned" and "prune-refused".
 *
 * @param given tags that the rule gave, by the destination repository's reference text without its tag
 */
export type Prune = (
  rule: MirrorRule,
  given: ReadonlyMap<string, GivenTags>,
  options: StepOptions & { readonly parts: MirrorParts },
) => Promise<void>;

/** One destination repository of a rule that prunes. */
export interface GivenTags {
  /** One of its images, to reach the repository by. */
  readonly to: FoundImage["to"];
  readonly tags: ReadonlySet<string>;
  /** How backups are called there, by the rules that may have made some. */
  readonly backups?: readonly string[];
}
