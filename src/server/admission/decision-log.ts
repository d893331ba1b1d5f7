import { randomBytes } from "node:crypto";
import type { ServedRepository } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import type { Database } from "./database.ts";

/** What was decided of one image; of an index, of one of its instances. */
export interface DecidedImage {
  readonly digest: string;
  readonly platform?: string;
  /** Not judged, since it is something about an image that nobody can run. */
  readonly attachment?: true;
  readonly allowed: boolean;
  /** `policy/explain.ts`'s JSON of the verdict, advice included. */
  readonly verdict?: object;
  /** The same for people. */
  readonly text?: string;
}

/** A decision as it is kept and explained. */
export interface KeptDecision {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  /** `manifest`, `blob`; `blocked` and `rollback` are refusals that no policy made. */
  readonly kind: "manifest" | "blob" | "blocked" | "rollback";
  readonly outcome: "admitted" | "refused" | "undecided";
  /** Under `audit` nothing is refused but what is blocked. */
  readonly mode: "enforce" | "audit" | "off";
  /** `domain/path`. */
  readonly repository: string;
  /** As it was asked for: rights go by it. */
  readonly served: ServedRepository;
  /** As the policy knows it; of a blob, its digest. */
  readonly image: string;
  readonly digest: string;
  /** What clients were told. */
  readonly reason?: string;
  /** The pattern of the scope in the settings; "" where none matched. */
  readonly scope: string;
  readonly policy?: { readonly path: string; readonly sha256: string; readonly keys: string };
  readonly images: readonly DecidedImage[];
}

/** Which decisions are asked for. */
export interface DecisionFilter {
  readonly repository?: string;
  readonly allowed?: boolean;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly limit: number;
}

/** Keeps the last decisions, explained whole. */
export interface DecisionLog extends Disposable {
  /** Written soon, and together with others: by {@link get} it is found at once. */
  keep(decision: KeptDecision): void;
  get(id: string): KeptDecision | undefined;
  /** Newest first. */
  list(filter: DecisionFilter): readonly KeptDecision[];
}

/** The table of a {@link DecisionLog}. */
export const decisionTable = `
  CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
    repository TEXT NOT NULL, allowed INTEGER NOT NULL, size INTEGER NOT NULL, document TEXT NOT NULL
  );
  CREATE INDEX decisions_by_size ON decisions (seq, size);
  CREATE INDEX decisions_by_repository ON decisions (repository, seq)`;

/** 128 bits that nobody guesses. */
export function newDecisionId(): string {
  return randomBytes(16).toString("base64url");
}

const writeDelayMs = 200;
const maxWaiting = 500;
/** Of one decision's explanation; what is longer is kept without its steps. */
const maxDocument = 256 * 1024;
/** Whoever hangs long signatures on images is not to fill the disk. */
const usualMaxBytes = 64 * 1024 * 1024;

/** What a {@link DecisionLog} is made of. */
export interface DecisionLogParts {
  readonly database: Database;
  /** How many are kept, about. */
  readonly keep: number;
  /** Of all of them; by default 64 MiB. Then the older half goes. */
  readonly maxBytes?: number;
  readonly report: Report;
}

/** Explanations that cannot be written are lost, and told of: what was decided holds all the same. */
export function createDecisionLog(parts: DecisionLogParts): DecisionLog {
  const { database, report } = parts;
  const waiting = new Map<string, KeptDecision>();
  let timer: NodeJS.Timeout | undefined;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size === 0) return;
    const decisions = [...waiting.values()];
    waiting.clear();
    try {
      writeAll(parts, decisions);
    } catch (error) {
      report({ type: "message", level: "error", text: "Decisions could not be written", error });
    }
  };
  let closed = false;
  return {
    keep(decision) {
      if (closed) return;
      waiting.set(decision.id, decision);
      if (waiting.size >= maxWaiting) write();
      else timer ??= setTimeout(write, writeDelayMs).unref();
    },
    get(id) {
      const [row] = database.all("SELECT document FROM decisions WHERE id = ?", id);
      return waiting.get(id) ?? (row && parsed(row["document"]));
    },
    list(filter) {
      write();
      return select(database, filter);
    },
    [Symbol.dispose]() {
      closed = true;
      write();
    },
  };
}

function writeAll(
  { database, keep, maxBytes = usualMaxBytes }: DecisionLogParts,
  decisions: readonly KeptDecision[],
): void {
  database.transaction(() => {
    for (const decision of decisions) insert(database, decision);
    database.run("DELETE FROM decisions WHERE seq <= (SELECT MAX(seq) FROM decisions) - ?", keep);
    const [sum] = database.all("SELECT SUM(size) AS size FROM decisions");
    if (Number(sum?.["size"]) > maxBytes) removeBeyond(database, maxBytes / 2);
  });
}

/** Removes the oldest, so that the others have no more than so many bytes. */
function removeBeyond(database: Database, bytes: number): void {
  database.run(
    `DELETE FROM decisions WHERE seq IN (
       SELECT seq FROM (SELECT seq, SUM(size) OVER (ORDER BY seq DESC) AS upto FROM decisions) WHERE upto > ?
     )`,
    bytes,
  );
}

function insert(database: Database, decision: KeptDecision): void {
  const document = documentOf(decision);
  database.run(
    `INSERT OR IGNORE INTO decisions (id, at, repository, allowed, size, document)
     VALUES (?, ?, ?, ?, ?, ?)`,
    decision.id,
    Date.parse(decision.at),
    decision.repository,
    decision.outcome === "admitted" ? 1 : 0,
    document.length,
    document,
  );
}

function documentOf(decision: KeptDecision): string {
  const whole = JSON.stringify(decision);
  if (whole.length <= maxDocument) return whole;
  const images = decision.images.map(({ verdict: _, text: __, ...image }) => image).slice(0, 500);
  return JSON.stringify({ ...decision, images });
}

function select(database: Database, filter: DecisionFilter): readonly KeptDecision[] {
  const { repository = null, allowed, sinceMs = null, limit } = filter;
  const only = allowed === undefined ? null : Number(allowed);
  const rows = database.all(
    `SELECT document FROM decisions
     WHERE (?1 IS NULL OR repository = ?1) AND (?2 IS NULL OR allowed = ?2) AND (?3 IS NULL OR at >= ?3)
     ORDER BY seq DESC LIMIT ?4`,
    repository,
    only,
    sinceMs,
    limit,
  );
  return rows.map((row) => parsed(row["document"]));
}

function parsed(document: unknown): KeptDecision {
  const decision = JSON.parse(String(document)) as KeptDecision;
  const { served } = decision;
  return { ...decision, served: { ...served, upstream: served.upstream } }; // JSON has no undefined
}
