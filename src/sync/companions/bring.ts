import { type CopyEnd, copy } from "../../copy/copy.ts";
import type { CopyEvent } from "../../copy/events.ts";
import type { CopyOptions } from "../../copy/options.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";
import { companionGate } from "./companion-gate.ts";
import type { CompanionOptions } from "./parts.ts";

/** One companion to be copied. */
export interface Bringing {
  readonly from: CopyEnd;
  readonly to: CopyEnd;
  /** By which it is known, if it is a digest tag. */
  readonly tag?: string;
  /** Says of the manifest, before anything is written, why it is not to be brought. */
  readonly unwanted?: (manifest: RawManifest) => string | undefined;
}

/** What came of it; `bytes` of blobs that were read. */
export type Brought =
  | { readonly type: "brought"; readonly manifest: RawManifest; readonly bytes: number }
  | { readonly type: "unwanted"; readonly manifest: RawManifest; readonly why: string };

/** Whole and unchanged, or what is said of it, and by it, would be wrong. Platforms are not chosen among. */
const asItIs: CopyOptions = {
  select: { type: "all" },
  platform: { os: "linux", architecture: "amd64" },
  preserveDigests: true,
  removeSignatures: true,
  compression: { force: false },
};

/** Copies a companion as it is. @throws {CopyError} and what the gate throws for what can be run */
export async function bring(what: Bringing, options: CompanionOptions): Promise<Brought> {
  const { parts, signal } = options;
  const look = new Look(what);
  let bytes = 0;
  try {
    await copy({
      from: look.end,
      to: what.to,
      gate: companionGate(parts.gate, () => look.source, what.tag, { signal }),
      transfers: parts.transfers,
      compression: parts.compression,
      options: asItIs,
      tellLayers: false,
      report: (event) => {
        bytes += movedBy(event);
      },
      signal,
    });
  } catch (error) {
    if (look.manifest && look.why !== undefined) {
      return { type: "unwanted", manifest: look.manifest, why: look.why };
    }
    throw error;
  }
  if (!look.manifest) throw new Error("a companion was copied unseen");
  return { type: "brought", manifest: look.manifest, bytes };
}

function movedBy(event: CopyEvent): number {
  return event.type === "blob-copied" ? Math.max(0, event.size) : 0;
}

/** A source whose manifest is looked at when it is opened, and which is not opened for what is not wanted. */
class Look {
  readonly end: CopyEnd;
  source: ImageSource | undefined;
  manifest: RawManifest | undefined;
  why: string | undefined;

  constructor({ from, unwanted }: Bringing) {
    const { transport, reference } = from;
    const { digestOf: _, ...others } = transport; // a look that would end the copy before it is opened
    this.end = {
      reference,
      transport: {
        ...others,
        openSource: async (at, call) => {
          const source = await transport.openSource(at, call);
          try {
            this.manifest = await source.readManifest("top", call);
            this.why = unwanted?.(this.manifest);
            if (this.why !== undefined) throw new Error(this.why);
            this.source = source;
            return source;
          } catch (error) {
            await source[Symbol.asyncDispose]();
            throw error;
          }
        },
      },
    };
  }
}
