import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import { type BlockList, blockTable, createBlockList } from "./block-list.ts";
import { createKnownNames, type KnownNames, namesTable } from "./content-names.ts";
import { type Database, openDatabase } from "./database.ts";
import { decisionTable } from "./decision-log.ts";
import { createKnownManifests, type KnownManifests, manifestTables } from "./known-manifests.ts";
import { tagTable } from "./tag-memory.ts";
import { type ParentsOf, takenAlong } from "./taken-along.ts";

/** What blocks are opened with. */
export interface OpenBlocksOptions {
  /** A folder of its own for its databases; made where it is not there. Several processes may share it. */
  readonly folder: string;
  readonly now: () => number;
  readonly report: Report;
  /** The manifests held of a repository that name this blob or instance. */
  naming?(repository: Pick<ServedRepository, "domain" | "path">, digest: Digest): readonly Digest[];
}

/** The list with what it is told by; disposing closes its files. */
export interface OpenedBlocks extends Disposable {
  readonly blocks: BlockList;
  readonly known: KnownManifests;
  /** For decisions and tags besides. */
  readonly memory: Database;
}

const format = 1;

/**
 * Opens what is blocked, and what it takes along, in a folder.
 *
 * @throws {AdmissionError} `admission.newer-format`, `admission.unusable-file`
 */
export function openBlocks(options: OpenBlocksOptions): OpenedBlocks {
  const { folder, now, report } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  using stack = new DisposableStack();
  const database = stack.use(openList(folder));
  const memory = stack.use(openMemory(folder));
  const names = createKnownNames(stack.use(openNames(folder)));
  const known = createKnownManifests(memory, report);
  const parents = parentsOf(known, names, options);
  const blocks = stack.use(
    createBlockList({
      database,
      now,
      report,
      names,
      instancesOf: (digest) => known.instancesOf(digest),
      isTakenAlong: (repository, digest, isBlocked) =>
        takenAlong(parents, repository, digest, isBlocked),
    }),
  );
  const opened = stack.move();
  return { blocks, known, memory, [Symbol.dispose]: () => opened.dispose() };
}

/**
 * Those that were asked for here, and those that are held, as what was pushed may never have been asked for: by whichever
 * digest they name it, as far as is known.
 */
function parentsOf(
  known: KnownManifests,
  names: KnownNames,
  { naming }: Pick<OpenBlocksOptions, "naming">,
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

/** Apart from the rest, so that only a change of the list is heard of in other processes. */
function openList(folder: string): Database {
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
