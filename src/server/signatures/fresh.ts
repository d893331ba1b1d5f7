import { KnownError } from "../../core/errors.ts";
import { untilAborted } from "../../registry/until-aborted.ts";
import { Recent, type RecentLimits } from "./recent.ts";

/** For how long answers of others are good. */
export interface FreshLimits {
  readonly now: () => number;
  /** Not asked again before. */
  readonly freshForMs: number;
  /** What was said before stands in for so long where asking again fails. */
  readonly heldForMs: number;
  /** A failure is told to all who ask within this time, and what is held is given out for as long before asking again. */
  readonly failureForMs: number;
  readonly timeoutMs: number;
}

/** How asking went; told once, to whoever began it. */
export interface AskedOutcome {
  readonly result: "answered" | "failed" | "held";
  readonly durationMs: number;
  readonly message?: string;
}

/** Where answers outlive this process. */
export interface FreshMemory<T> {
  recall(key: string): Promise<{ readonly value: T; readonly at: number } | undefined>;
  remember(key: string, value: T, at: number): Promise<void>;
}

interface Held<T> {
  /** Absent where it has never been answered. */
  readonly answer?: { readonly value: T; readonly at: number };
  readonly failure?: { readonly error: unknown; readonly at: number };
}

/**
 * Answers of others, kept while they are fresh: many who ask at once are one question, which nobody's leaving calls off. A
 * failure is never an empty answer.
 */
export class Fresh<T> {
  readonly #limits: FreshLimits;
  readonly #memory: FreshMemory<T> | undefined;
  readonly #held: Recent<Held<T>>;
  readonly #asking = new Map<string, Promise<T>>();

  constructor(limits: FreshLimits, room: RecentLimits<T>, memory?: FreshMemory<T>) {
    this.#limits = limits;
    this.#memory = memory;
    const sizeOf = ({ answer }: Held<T>) => (answer ? room.sizeOf(answer.value) : 0) + 200;
    this.#held = new Recent({ ...room, sizeOf });
  }

  /** What was answered last, however long ago. */
  async last(key: string): Promise<T | undefined> {
    const held = this.#held.get(key)?.answer;
    if (held) return held.value;
    const answer = await this.#memory?.recall(key);
    if (answer) this.#held.set(key, { answer });
    return answer?.value;
  }

  /** Whether it could not be asked for anew when that was last tried. */
  failed(key: string): boolean {
    return this.#held.get(key)?.failure !== undefined;
  }

  async get(
    key: string,
    ask: (signal: AbortSignal) => Promise<T>,
    { signal, told }: { signal: AbortSignal; told: (outcome: AskedOutcome) => void },
  ): Promise<T> {
    signal.throwIfAborted();
    const { answer, failure } = this.#held.get(key) ?? {};
    const now = this.#limits.now();
    if (answer && now - answer.at < this.#limits.freshForMs) return answer.value;
    if (failure && now - failure.at < this.#limits.failureForMs) {
      if (answer && this.#stands(answer.at)) return answer.value;
      throw failure.error;
    }
    return await untilAborted(this.#asking.get(key) ?? this.#begin(key, ask, told), signal);
  }

  #begin(
    key: string,
    ask: (signal: AbortSignal) => Promise<T>,
    told: (outcome: AskedOutcome) => void,
  ): Promise<T> {
    const asking = this.#ask(key, ask, told).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    asking.catch(() => {}); // told to whoever still waits
    return asking;
  }

  async #ask(
    key: string,
    ask: (signal: AbortSignal) => Promise<T>,
    told: (outcome: AskedOutcome) => void,
  ): Promise<T> {
    const started = this.#limits.now();
    const outcome = (result: AskedOutcome["result"], message?: string) =>
      told({
        result,
        durationMs: this.#limits.now() - started,
        ...(message !== undefined && { message }),
      });
    try {
      const value = await ask(AbortSignal.timeout(this.#limits.timeoutMs));
      const at = this.#limits.now();
      this.#held.set(key, { answer: { value, at } });
      await this.#memory?.remember(key, value, at);
      outcome("answered");
      return value;
    } catch (error) {
      const answer = this.#held.get(key)?.answer ?? (await this.#memory?.recall(key));
      const failure = { error, at: this.#limits.now() };
      this.#held.set(key, { ...(answer && { answer }), failure });
      const stands = answer && this.#stands(answer.at);
      outcome(stands ? "held" : "failed", error instanceof KnownError ? error.message : `${error}`);
      if (stands) return answer.value;
      throw error;
    }
  }

  #stands(at: number): boolean {
    return this.#limits.now() - at < this.#limits.heldForMs;
  }
}
