import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { Admission } from "../admission.ts";
import type { AuditLog } from "../audit.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { ServedSignatures } from "../served-signatures.ts";
import type { Report } from "../server-event.ts";
import { createAnswers } from "./answers.ts";
import { BeingSent } from "./being-sent.ts";
import { BlobDoor } from "./blob-door.ts";
import { type BlockList, blockTable, createBlockList } from "./block-list.ts";
import { BlockSearch, type BlockSearchParts } from "./block-search.ts";
import { createKnownNames, type KnownNames, namesTable } from "./content-names.ts";
import { type Database, openDatabase } from "./database.ts";
import { createDecisionCache } from "./decision-cache.ts";
import { createDecisionLog, type DecisionLog, decisionTable } from "./decision-log.ts";
import { createKnownManifests, type KnownManifests, manifestTables } from "./known-manifests.ts";
import type { LivePolicy } from "./live-policy.ts";
import { type DoorParts, ManifestDoor } from "./manifest-door.ts";
import { type AdmissionSettings, createScopeFinder } from "./settings.ts";
import { createTagMemory, type TagMemory, tagTable } from "./tag-memory.ts";
import { type ParentsOf, takenAlong } from "./taken-along.ts";

/** What an {@link Admission} is made of. */
export interface AdmissionParts {
  /** Undefined: nothing is judged; the block list counts all the same. */
  readonly settings: AdmissionSettings | undefined;
  /** The server's own domain. */
  readonly serverName: string;
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
  /** The manifests held of a repository that name this blob or instance. */
  naming?(repository: Pick<ServedRepository, "domain" | "path">, digest: Digest): readonly Digest[];
  /** A folder of its own for its databases; made where it is not there. Several processes may share it. */
  readonly folder: string;
  readonly now: () => number;
  readonly report: Report;
  readonly audit?: AuditLog;
}

/** Admission as this server's own parts see it; dispose of it. */
export interface ServerAdmission extends Admission, Disposable {
  readonly decisions: DecisionLog;
  readonly blocks: BlockList;
  readonly tags: TagMemory;
  /** Looks at policy, keys and places of signatures now: SIGHUP. */
  reload(): void;
}

const format = 1;

/**
 * Decides what leaves by the trust policy, the block list and what tags have stood for. Its decisions, the blocks and
 * what manifests name outlive it in SQLite files.
 *
 * @throws {AdmissionError} `admission.newer-format`
 */
export function createAdmission(parts: AdmissionParts): ServerAdmission {
  const { report } = parts;
  mkdirSync(parts.folder, { recursive: true, mode: 0o700 });
  using stack = new DisposableStack();
  const blocked = stack.use(openBlocks(parts.folder));
  const memory = stack.use(openMemory(parts.folder));
  const log = stack.use(
    createDecisionLog({ database: memory, keep: parts.settings?.keepDecisions ?? 1000, report }),
  );
  const names = createKnownNames(stack.use(openNames(parts.folder)));
  const known = createKnownManifests(memory, report);
  const blocks = stack.use(
    createBlockList({
      database: blocked,
      now: parts.now,
      report,
      names,
      isTakenAlong: (repository, digest, isBlocked) =>
        takenAlong(parentsOf(known, names, parts), repository, digest, isBlocked),
    }),
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

/**
 * Those that were asked for here, and those that are held, as what was pushed may never have been asked for: by whichever
 * digest they name it, as far as is known.
 */
function parentsOf(
  known: KnownManifests,
  names: KnownNames,
  { naming }: Pick<AdmissionParts, "naming">,
): ParentsOf {
  return (name, digest) => {
    const slash = name.indexOf("/");
    const repository = { domain: name.slice(0, slash), path: name.slice(slash + 1) };
    return (names.of(digest) ?? [digest]).flatMap((each) => {
      const held = naming?.(repository, each) ?? [];
      const asked = known.parents(name, each);
      return [...asked, ...held.map((parent) => ({ digest: parent, signed: parent }))];
    });
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

/** Apart from the rest, so that only a change of the list is heard of in other processes. */
function openBlocks(folder: string): Database {
  const path = join(folder, "blocked.sqlite");
  return openDatabase({ path, schema: blockTable, format, durable: true });
}

function openMemory(folder: string): Database {
  const schema = [decisionTable, manifestTables, tagTable].join(";");
  return openDatabase({ path: join(folder, "admission.sqlite"), schema, format, durable: false });
}

/** Apart from the rest, which earlier releases may go on with. */
function openNames(folder: string): Database {
  const path = join(folder, "digests.sqlite");
  return openDatabase({ path, schema: namesTable, format, durable: false });
}
