import { bunzip2 } from "../bzip2/bunzip2.ts";
import { unxz } from "../xz/unxz.ts";
import { type Decoding, Input } from "./input.ts";

/** Formats that no engine of Node's reads. */
export type DecodedFormat = "bzip2" | "xz";

const decodings: Readonly<Record<DecodedFormat, (input: Input) => Decoding>> = {
  bzip2: bunzip2,
  xz: unxz,
};

/** Decodes what is pushed into it, on the calling thread, with memory that does not grow with the content. */
export class Decoder {
  readonly #input = new Input();
  readonly #decoding: Decoding;

  constructor(format: DecodedFormat) {
    this.#decoding = decodings[format](this.#input);
  }

  /** All that comes out now that `bytes` are there; they may be used again after the first step. */
  *write(bytes: Uint8Array): Generator<Uint8Array, void, void> {
    this.#input.add(bytes);
    yield* this.#pieces();
  }

  /** The rest. @throws {ContentError} `content.bad-compression` where the content breaks off; so does {@link write}, for what is broken */
  *end(): Generator<Uint8Array, void, void> {
    this.#input.ended = true;
    yield* this.#pieces();
  }

  *#pieces(): Generator<Uint8Array, void, void> {
    for (let step = this.#decoding.next(); !step.done; step = this.#decoding.next()) {
      if (step.value === undefined) return;
      yield step.value;
    }
  }
}
