import { SignatureError } from "../errors.ts";

/** A pattern is not let loose on more. */
const maxNameLength = 2_048;

/** A regular expression of JavaScript's that has to fit the whole of a text, unlike cosign's. */
export class WholePattern {
  readonly #pattern: RegExp;

  /** @throws {SignatureError} `signature.bad-trust` */
  constructor(source: string) {
    try {
      // On its own first: brackets that are only closed by ours would let part of it stand free.
      new RegExp(source, "u");
      this.#pattern = new RegExp(`^(?:${source})$`, "u");
    } catch (cause) {
      const message = `${JSON.stringify(source)} is no regular expression`;
      throw new SignatureError("signature.bad-trust", message, { cause });
    }
  }

  fits(text: string): boolean {
    return text.length <= maxNameLength && this.#pattern.test(text);
  }
}
