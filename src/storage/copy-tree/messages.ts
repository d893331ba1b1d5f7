import type { ByteString } from "../../stream/tar/byte-string.ts";
import type { AttributeOptions } from "./attributes.ts";
import type { SentError } from "./sent-error.ts";

/** What a helping thread is started with. Descriptors are this process': all its threads have them. */
export interface HelpTask {
  /** Both trees' roots. */
  readonly from: number;
  readonly to: number;
  readonly options: AttributeOptions;
  /** Nothing is taken over to these paths. */
  readonly hidden: ReadonlySet<ByteString>;
  /** See {@link Tally}. */
  readonly tally: SharedArrayBuffer;
}

/** Names of one folder that are to be copied, none a folder's; nothing more comes after `undefined`. */
export type Batch =
  | { readonly path: ByteString; readonly names: readonly ByteString[] }
  | undefined;

/** What a helping thread ends with. */
export interface HelpResult {
  /** Paths that it met of files with several names, and left alone: one thread has to know them all. */
  readonly linked: readonly ByteString[];
  readonly failure?: SentError;
}

/** How far a helping thread is, as both sides can see at any time. */
export class Tally {
  readonly #numbers: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#numbers = new Int32Array(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#numbers.buffer;
  }

  /** So many names are seen to. */
  get done(): number {
    return Atomics.load(this.#numbers, 0);
  }

  count(): void {
    Atomics.add(this.#numbers, 0, 1);
  }

  /** Whether what is left is not wanted any more. */
  get isOver(): boolean {
    return Atomics.load(this.#numbers, 1) !== 0;
  }

  end(): void {
    Atomics.store(this.#numbers, 1, 1);
  }
}
