import type { Gate } from "../../../policy/gate.ts";
import type { CopyEnd } from "../../copy/copy.ts";
import type { Transfers } from "../../copy/transfers.ts";
import type { Digest } from "../../core/digest.ts";
import type { Compression } from "../../stream/recompress.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import type { ReportSync, SyncItem } from "../events.ts";

/** An image of the run that stands at both ends, and whose companions are to be brought. */
export interface OwnerImage {
  readonly item: SyncItem;
  readonly from: CopyEnd;
  readonly to: CopyEnd;
}

/** What companions are brought with. */
export interface CompanionOptions extends CallOptions {
  readonly report: ReportSync;
  /** Tells what would be brought, and brings nothing. */
  readonly dryRun: boolean;
  readonly parts: {
    readonly gate: Gate;
    readonly transfers: Transfers;
    readonly compression: Compression;
  };
  /** Of an index at the destination, its images; empty for an image. Absent: it is asked for. */
  readonly instances?: readonly Digest[];
}
