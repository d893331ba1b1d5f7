import { RegistryError } from "../registry/errors.ts";
import { HttpError } from "../registry/http/errors.ts";
import { untilAborted } from "../registry/until-aborted.ts";

/** So long after somebody gave a host up, nobody else waits for it. */
const givenUpMs = 30_000;

/** What is done after a failure: tried again after a wait, at once, or never. */
export type Next = "wait" | "now" | "give-up";

/** One piece of work, which may be tried several times. Disposing tells those who wait that nothing came of it. */
export interface PatientWork extends Disposable {
  /** It is not tried again: it succeeded, or this was its last failure. */
  ended(failure?: unknown): void;
  /** @throws {unknown} the signal's reason */
  next(error: unknown, signal: AbortSignal): Promise<Next>;
}

interface Waiting {
  readonly host: string;
  /** Whether it was reached in the end. */
  readonly reached: PromiseWithResolvers<boolean>;
}

/**
 * Hosts that nobody could connect to, and that have not answered anything in this run. Whoever finds one first waits and tries
 * again; all others who meet with it wait for what comes of that, and give up with it: a registry that is away is waited for
 * once, and not by each of its images. One that goes away in the middle of a run may be back for the next image: each waits then.
 */
export class Outages {
  readonly #now: () => number;
  readonly #waiting = new Map<string, Waiting>();
  readonly #givenUp = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  begin(): PatientWork {
    let own: Waiting | undefined;
    const end = (reached: boolean) => {
      if (own) this.#end(own, reached);
      own = undefined;
    };
    return {
      ended: (failure) => end(own?.host !== hostNotReached(failure)),
      next: async (error, signal) => {
        const host = hostNotReached(error);
        if (own && own.host !== host) end(true); // what failed now is something else
        if (host === undefined || own) return "wait";
        if (this.#isGivenUp(host)) return "give-up";
        const other = this.#waiting.get(host);
        if (other) return (await untilAborted(other.reached.promise, signal)) ? "now" : "give-up";
        own = { host, reached: Promise.withResolvers() };
        this.#waiting.set(host, own);
        return "wait";
      },
      [Symbol.dispose]: () => end(false),
    };
  }

  #end({ host, reached }: Waiting, isReached: boolean): void {
    this.#waiting.delete(host);
    if (isReached) this.#givenUp.delete(host);
    else this.#givenUp.set(host, this.#now());
    reached.resolve(isReached);
  }

  #isGivenUp(host: string): boolean {
    const since = this.#givenUp.get(host);
    return since !== undefined && this.#now() - since < givenUpMs;
  }
}

/** The host that no connection could be made to, now or ever, however deep that stands. */
function hostNotReached(error: unknown): string | undefined {
  let host: string | undefined;
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof RegistryError && each.url !== undefined)
      host = each.neverAnswered ? URL.parse(each.url)?.host : undefined;
    if (each instanceof HttpError) return each.phase === "connect" ? host : undefined;
  }
  return undefined;
}
