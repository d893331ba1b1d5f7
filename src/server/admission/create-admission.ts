import type { Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { Admission } from "../admission.ts";
import type { AuditLog } from "../audit.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { ServedSignatures } from "../served-signatures.ts";
import { createAnswers } from "./answers.ts";
import { BeingSent } from "./being-sent.ts";
import { BlobDoor } from "./blob-door.ts";
import type { Block, BlockList } from "./block-list.ts";
import { BlockSearch, type BlockSearchParts } from "./block-search.ts";
import { createDecisionCache } from "./decision-cache.ts";
import { createDecisionLog, type DecisionLog } from "./decision-log.ts";
import type { LivePolicy } from "./live-policy.ts";
import { type DoorParts, ManifestDoor } from "./manifest-door.ts";
import { type OpenBlocksOptions, openBlocks } from "./open-blocks.ts";
import { type AdmissionSettings, createScopeFinder } from "./settings.ts";
import { createTagMemory, type TagMemory } from "./tag-memory.ts";

/** What an {@link Admission} is made of. */
export interface AdmissionParts extends OpenBlocksOptions {
  /** Undefined: nothing is judged; the block list counts all the same. */
  readonly settings: AdmissionSettings | undefined;
  /** The server's own domain. */
  readonly serverName: string;
  /** Whether the path that was asked for means this repository by itself, without `ns` or the host's name. */
  isPlain?(repository: ServedRepository): boolean;
  /** Needed where there are settings; whoever opened it disposes of it. */
  readonly policy: LivePolicy | undefined;
  readonly signatures: ServedSignatures;
  /** Of the backend, by digest; never judged. */
  readManifest(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<RawManifest | undefined>;
  /**
   * Verified bytes of a blob, undefined where there is none or it is larger. Without it cosign's attachments, whose config
   * is an image's, are judged like images.
   */
  readBlob?(
    repository: ServedRepository,
    digest: Digest,
    options: ServerCall & { readonly maxBytes: number },
  ): Promise<Uint8Array | undefined>;
  /** As {@link BlockSearchParts.openBlob}. */
  readonly openBlob?: BlockSearchParts["openBlob"];
  /** As {@link BlockSearchParts.holderOf}. */
  readonly holderOf?: BlockSearchParts["holderOf"];
  readonly audit?: AuditLog;
}

/** Admission as this server's own parts see it; dispose of it. */
export interface ServerAdmission extends Admission, Disposable {
  readonly decisions: DecisionLog;
  readonly blocks: BlockList;
  readonly tags: TagMemory;
  /** What stands against a manifest, whatever the policy says: it is blocked, or names what is. */
  blockAgainst(
    repository: ServedRepository,
    manifest: RawManifest,
    call: ServerCall,
  ): Promise<Block | undefined>;
  /** Looks at policy, keys and places of signatures now: SIGHUP. */
  reload(): void;
}

/**
 * Decides what leaves by the trust policy, the block list and what tags have stood for. Its decisions, the blocks and
 * what manifests name outlive it in SQLite files.
 *
 * @throws {AdmissionError} `admission.newer-format`
 */
export function createAdmission(parts: AdmissionParts): ServerAdmission {
  const { report } = parts;
  using stack = new DisposableStack();
  const { blocks, known, memory } = stack.use(openBlocks(parts));
  const log = stack.use(
    createDecisionLog({ database: memory, keep: parts.settings?.keepDecisions ?? 1000, report }),
  );
  const tags = createTagMemory(memory);
  const ending = new AbortController();
  stack.defer(() => ending.abort());
  const { signal } = ending;
  const search = new BlockSearch({ ...searchParts(parts), blocks, signal });
  const sent = new BeingSent({ blocks, search, report, signal });
  const door = doorParts(parts, { log, blocks, search, known, tags });
  return admissionOf(parts, door, { decisions: log, sent, opened: stack.move() });
}

function searchParts(parts: AdmissionParts): Omit<BlockSearchParts, "blocks" | "signal"> {
  const { openBlob, holderOf } = parts;
  return {
    readManifest: (repository, digest, call) => parts.readManifest(repository, digest, call),
    ...(openBlob && { openBlob }),
    ...(holderOf && { holderOf }),
  };
}

/** What of an admission its doors do not need. */
interface Opened {
  readonly decisions: DecisionLog;
  readonly sent: BeingSent;
  readonly opened: DisposableStack;
}

function admissionOf(
  { policy }: AdmissionParts,
  door: DoorParts,
  { decisions, sent, opened }: Opened,
): ServerAdmission {
  const manifests = new ManifestDoor(door);
  const blobs = new BlobDoor(door);
  return {
    decisions,
    blocks: door.blocks,
    tags: door.tags,
    admitManifest: (repository, reference, manifest, call) =>
      manifests.admit({ repository, reference, manifest, call }),
    admitBlob: (repository, digest, call) => blobs.admit({ repository, digest, call }),
    watch: (repository, digest, call) => sent.watch(repository, digest, call),
    blockAgainst: (repository, manifest, call) =>
      manifests.blockAgainst({ repository, manifest, call }),
    reload: () => policy?.reload(),
    [Symbol.dispose]: () => opened.dispose(),
  };
}

function doorParts(
  parts: AdmissionParts,
  made: Pick<DoorParts, "blocks" | "search" | "known" | "tags"> & { readonly log: DecisionLog },
): DoorParts {
  const { settings, now, report, policy } = parts;
  const { log, ...rest } = made;
  const discretion = { showDetails: settings?.showDetails ?? false, files: [] };
  return {
    ...rest,
    policy,
    scopeOf: createScopeFinder(settings),
    answers: createAnswers({ log, now, report, discretion }),
    judging: settings && { ...parts, settings, log, cache: createDecisionCache() },
  };
}
