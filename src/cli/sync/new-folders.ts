import { existsSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileErrorText } from "../../config/load-file.ts";
import { makeFolders } from "../../core/make-folders.ts";
import { CliError } from "../errors.ts";

/** The path of an image that lies in a folder which transports would not make: they make the last one only. */
export function pathOfPlace(text: string): string | undefined {
  return (
    /^dir:(.+)$/s.exec(text)?.[1] ?? /^(?:oci|oci-archive|docker-archive):([^:]+)/.exec(text)?.[1]
  );
}

/** Folders made for images to lie in; those that stayed empty are removed in the end. */
export class NewFolders implements AsyncDisposable {
  readonly #made: string[] = [];

  /** Makes the folder that `image` will lie in. @throws {CliError} `cli.unwritable`, in skopeo's words */
  async makeFor(image: string): Promise<void> {
    const parent = dirname(resolve(image));
    const missing: string[] = [];
    for (let path = parent; !existsSync(path); path = dirname(path)) missing.push(path);
    try {
      await makeFolders(parent);
    } catch (error) {
      const why = fileErrorText(error, "mkdir", missing.at(-1) ?? parent);
      throw new CliError("cli.unwritable", `Error creating directory for image ${image}: ${why}`, {
        cause: error,
      });
    }
    this.#made.push(...missing.toReversed());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#made.toReversed()) await rmdir(path).catch(() => {}); // not empty, mostly
  }
}
