import { KnownError } from "../../core/errors.ts";
import type { AuditLog } from "../audit.ts";
import type { Report } from "../server-event.ts";
import {
  type Judging,
  type PolicyPlaces,
  type PolicySnapshot,
  readPolicySnapshot,
  stampOf,
} from "./policy-snapshot.ts";

/** The policy as it is now, or why there is none that could decide. */
export type PolicyNow =
  | { readonly state: "ready"; readonly snapshot: PolicySnapshot }
  | { readonly state: "broken"; readonly message: string };

/** A policy whose files are looked after: what changes in them decides within a second. */
export interface LivePolicy extends Disposable {
  readonly current: PolicyNow;
  /** Looks now, as it does by itself each second; on SIGHUP. What is broken now is taken for broken at once. */
  reload(): void;
}

/** What a {@link LivePolicy} is made of. */
export interface LivePolicyParts extends PolicyPlaces, Judging {
  readonly report: Report;
  readonly audit?: AuditLog;
  /** How often files are looked at; by default each second. */
  readonly everyMs?: number;
}

/** Looks in a row that a policy may be broken: whoever saves it in place has it half written for a moment. */
const grace = 1;

/** Rounds after which everything is read whatever the stamps say. */
const readAnyway = 30;

/**
 * Reads the policy and looks after its files, key files and places of signatures. A changed policy that cannot be used
 * decides nothing: after one second of grace every image is answered 503, until the file is right again. The old one
 * would else be held to by nobody's will, and nobody would notice.
 *
 * @throws {KnownError} where it cannot be used to begin with
 */
export function openLivePolicy(parts: LivePolicyParts): LivePolicy {
  const live = new WatchedPolicy(parts, readPolicySnapshot(parts, parts));
  live.start(parts.everyMs ?? 1000);
  return live;
}

class WatchedPolicy implements LivePolicy {
  readonly #parts: LivePolicyParts;
  #now: PolicyNow;
  #files: readonly string[];
  #stamp: string;
  #bad = 0;
  #round = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LivePolicyParts, snapshot: PolicySnapshot) {
    this.#parts = parts;
    this.#now = { state: "ready", snapshot };
    this.#files = snapshot.files;
    this.#stamp = "";
    this.#tellLoaded(snapshot);
  }

  get current(): PolicyNow {
    return this.#now;
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => this.#look(grace), everyMs);
    this.#timer.unref();
  }

  reload(): void {
    this.#stamp = "";
    this.#look(0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(grace: number): void {
    const before = stampOf(this.#files);
    this.#round = (this.#round + 1) % readAnyway;
    if (before === this.#stamp && this.#round !== 0) return;
    try {
      this.#take(readPolicySnapshot(this.#parts, this.#parts), before);
    } catch (error) {
      this.#stamp = "";
      this.#bad++;
      if (this.#bad > grace) this.#break(error);
    }
  }

  #take(snapshot: PolicySnapshot, before: string): void {
    this.#bad = 0;
    this.#files = snapshot.files;
    const isNew = this.#now.state === "broken" || this.#now.snapshot.key !== snapshot.key;
    // What has just changed is read once more: it may change again within one tick of the file system's clock.
    this.#stamp = !isNew && stampOf(this.#files) === before ? before : "";
    if (!isNew) return;
    this.#now = { state: "ready", snapshot };
    this.#tellLoaded(snapshot);
  }

  #break(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (this.#now.state === "broken" && this.#now.message === message) return;
    this.#now = { state: "broken", message };
    this.#parts.report({
      type: "message",
      level: "error",
      text: `The trust policy cannot be used, and nothing is served that it would have to judge: ${message}`,
      fields: { policy: this.#parts.policy },
      ...(error instanceof KnownError ? {} : { error }),
    });
    this.#parts.audit?.note({ type: "policy-loaded", detail: `unusable: ${message}` });
  }

  #tellLoaded({ file, policyHash, keyHash, unreadable }: PolicySnapshot): void {
    this.#parts.report({
      type: "message",
      level: "info",
      text: "The trust policy was loaded",
      fields: { policy: file.path, policyHash, keyHash },
    });
    for (const why of unreadable)
      this.#parts.report({
        type: "message",
        level: "warn",
        text: `A key of the trust policy cannot be read, and what must be signed by it is refused: ${why}`,
        fields: { policy: file.path },
      });
    this.#parts.audit?.note({
      type: "policy-loaded",
      policy: policyHash,
      detail: `keys ${keyHash}`,
    });
  }
}
