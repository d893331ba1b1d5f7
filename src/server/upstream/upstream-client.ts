import type { RegistryHost, RepositoryAccess } from "../../registry/host.ts";
import type { Repository } from "../../registry/repository.ts";
import type { ServerCall } from "../caller.ts";
import type { Report } from "../server-event.ts";
import { nextHop } from "./hops.ts";
import type { UpstreamSettings } from "./settings.ts";
import { isOutage, isSilence } from "./upstream-answer.ts";

/** How an upstream is spoken to: one client for each number of hops, since each tells its own. */
export interface UpstreamConnection extends AsyncDisposable {
  host(hops: number): RegistryHost;
}

/** Builds the connection of an upstream from its settings. */
export type OpenUpstream = (settings: UpstreamSettings) => UpstreamConnection;

/** An upstream that did not answer is left alone for so long where there is a copy to serve. */
const restMs = 10_000;

/** Clients do not wait for much longer. */
const patienceMs = 30_000;

/** What one upstream is to the parts that ask it. */
export class Upstream {
  readonly settings: UpstreamSettings;
  readonly #connection: UpstreamConnection;
  readonly #now: () => number;
  readonly #report: Report;
  #restsUntil = 0;

  constructor(
    settings: UpstreamSettings,
    connection: UpstreamConnection,
    { now, report }: { readonly now: () => number; readonly report: Report },
  ) {
    this.settings = settings;
    this.#connection = connection;
    this.#now = now;
    this.#report = report;
  }

  get name(): string {
    return this.settings.name;
  }

  /** @throws {RegistryAnswerError} 508 where a request has come through too many proxies */
  repository(path: string, access: RepositoryAccess, call: Pick<ServerCall, "hops">): Repository {
    return this.#connection.host(nextHop(call)).repository(path, access);
  }

  /** Whether pushes are acknowledged without a word of it. */
  get takesPushesAlone(): boolean {
    return this.settings.push === "write-back" || this.settings.push === "local-only";
  }

  /** Whether it failed to answer a short while ago. */
  get rests(): boolean {
    return this.#restsUntil > this.#now();
  }

  /** How long an answer is waited for where nothing can stand in for it: less where none came a moment ago. */
  get patienceMs(): number {
    return this.rests ? Math.min(patienceMs, this.settings.answerWithin) : patienceMs;
  }

  /** Takes note of a failure. */
  failed(error: unknown): void {
    if (!isOutage(error)) return;
    if (isSilence(error)) this.#restsUntil = this.#now() + restMs;
    const text = `upstream ${this.name}: ${error instanceof Error ? error.message : String(error)}`;
    this.#report({ type: "message", level: "warn", text });
  }

  /** Takes note of an answer. */
  answered(): void {
    this.#restsUntil = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }
}
