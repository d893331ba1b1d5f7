import type { Digest } from "../../core/digest.ts";
import type { Watch } from "../admission.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import type { Block, BlockList } from "./block-list.ts";
import type { BlockSearch } from "./block-search.ts";

/** What of a list of blocks looks after answers that run. */
export interface BeingSentParts {
  readonly blocks: BlockList;
  readonly search: BlockSearch;
  readonly report: Report;
  /** Aborts when nothing is sent any more. */
  readonly signal: AbortSignal;
}

/**
 * Something that is being sent. Emptied at its end: what passes through a set that lives on may be kept by it until the whole
 * heap is collected, and the signal holds the request.
 */
interface Running {
  readonly repository: ServedRepository;
  readonly digest: Digest;
  readonly call: Pick<ServerCall, "caller" | "hops">;
  controller: AbortController | undefined;
}

/** What cannot be told to be something else in this time is stopped: whoever asks again waits until it is told. */
const tellWithinMs = 700;

/** Answers that run; each is stopped when what it sends is blocked. */
export class BeingSent {
  readonly #parts: BeingSentParts;
  readonly #running = new Set<Running>();

  constructor(parts: BeingSentParts) {
    this.#parts = parts;
    parts.blocks.onChange((added) => this.#look(added));
  }

  /** Held while something is sent. */
  watch(repository: ServedRepository, digest: Digest, { caller, hops }: ServerCall): Watch {
    const controller = new AbortController();
    const call = { caller, ...(hops !== undefined && { hops }) };
    const running: Running = { repository, digest, call, controller };
    this.#running.add(running);
    if (!this.#parts.blocks.isEmpty) this.#check(running, Promise.resolve());
    return {
      blocked: controller.signal,
      [Symbol.dispose]: () => {
        this.#running.delete(running);
        running.controller = undefined;
      },
    };
  }

  /** What was blocked may be known by other digests once it is looked at. */
  #look(added: readonly Digest[]): void {
    const looked = this.#lookAt(added);
    for (const running of this.#running) this.#check(running, looked);
  }

  #check(running: Running, looked: Promise<void>): void {
    const unsure = new Set<Digest>();
    const { repository, digest } = running;
    const block = this.#parts.blocks.find(servedName(repository), digest, unsure);
    if (block) stop(running, block.reason);
    else if (unsure.size > 0) void this.#tell(running, looked);
  }

  async #lookAt(added: readonly Digest[]): Promise<void> {
    const { search, report, signal } = this.#parts;
    for (const digest of added) {
      try {
        await search.lookAt(digest);
      } catch (error) {
        if (signal.aborted) return;
        const text = "What is blocked could not be read: it is told by reading what is asked for";
        report({ type: "message", level: "warn", text, fields: { digest }, error });
      }
    }
  }

  async #tell(running: Running, looked: Promise<void>): Promise<void> {
    const { search, signal } = this.#parts;
    const { repository, digest, call, controller } = running;
    if (!controller) return;
    const timer = setTimeout(
      () => stop(running, "what it is cannot be told in time"),
      tellWithinMs,
    );
    try {
      await looked;
      const until = AbortSignal.any([signal, controller.signal]);
      const block = await search.ofBlob(repository, digest, { ...call, signal: until });
      if (block) stop(running, block.reason);
    } catch {
      stop(running, "what it is cannot be told");
    } finally {
      clearTimeout(timer);
    }
  }
}

function stop({ controller }: Running, reason: Block["reason"]): void {
  controller?.abort(new Error(`blocked: ${reason}`));
}
