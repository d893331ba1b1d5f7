import { closeSync, openSync, writeSync } from "node:fs";
import { fileErrorText } from "../../config/load-file.ts";
import type { Digest } from "../../core/digest.ts";
import { goQuote } from "../../core/go-quote.ts";
import { CliError } from "../errors.ts";

/** `--digestfile`: a line for each image that arrived, as it arrives. */
export class DigestFile implements Disposable {
  readonly #path: string;
  readonly #file: number;
  #failure: unknown;

  /** Empties it. @throws {CliError} `cli.unwritable` */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = openSync(path, "w", 0o644);
    } catch (error) {
      const why = fileErrorText(error, "open", path);
      throw new CliError("cli.unwritable", `Error creating digest file: ${why}`, { cause: error });
    }
  }

  /** @param image as messages call it @throws {CliError} `cli.unwritable` */
  add(digest: Digest, image: string): void {
    try {
      writeSync(this.#file, `${digest} ${image}\n`);
    } catch (error) {
      const why = fileErrorText(error, "write", this.#path);
      const failed = `Failed to write digest to file ${goQuote(this.#path)}: ${why}`;
      throw new CliError("cli.unwritable", failed, { cause: error });
    }
  }

  /** As {@link add}, but what fails is told by {@link end}. */
  note(digest: Digest, image: string): void {
    if (this.#failure !== undefined) return;
    try {
      this.add(digest, image);
    } catch (error) {
      this.#failure = error;
    }
  }

  /** @throws {CliError} `cli.unwritable` where something noted could not be written */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
