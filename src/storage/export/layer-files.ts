import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { posix } from "node:path";
import { errnoOf } from "../errors.ts";
import { ExportError } from "./errors.ts";
import { openInRoot } from "./open-in-root.ts";

/** The files of a layer: in its own folder or, of a copy made for other owners, in a folder below. */
export class LayerFiles implements Disposable {
  readonly #folders: readonly string[];
  readonly #open: number[] = [];

  /** @param folders the layer's own first */
  constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /**
   * Opens the regular file of this name, cleaned as a path is; the caller closes it.
   *
   * @throws {ExportError} `storage.changed-file` where it is not there, of another size, or no regular file
   */
  open(name: string | Uint8Array, size: number): number {
    const file = this.#find(name);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) throw changed(name, "it is not a regular file any more");
      if (stat.size !== size) throw changed(name, `it has ${stat.size} bytes and had ${size}`);
      return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  #find(name: string | Uint8Array): number {
    const path = cleanPath(name);
    for (let at = 0; at < this.#folders.length; at++) {
      try {
        return openInRoot(this.#folder(at), path);
      } catch (error) {
        const code = errnoOf(error);
        if (code === undefined || !(error instanceof Error)) throw error;
        if (code !== "ENOENT" && code !== "ENOTDIR") throw unreadable(name, error);
      }
    }
    throw changed(name, "it is not there any more");
  }

  /** Opened when it is first looked into: most layers have all in the first. */
  #folder(at: number): number {
    const { O_RDONLY, O_DIRECTORY } = constants;
    this.#open[at] ??= openSync(this.#folders[at] as string, O_RDONLY | O_DIRECTORY);
    return this.#open[at];
  }

  [Symbol.dispose](): void {
    for (const folder of this.#open.splice(0)) closeSync(folder);
  }
}

/** A path as Go cleans them, without a slash in front; of bytes with a NUL behind. */
function cleanPath(name: string | Uint8Array): string | Uint8Array {
  if (typeof name === "string") return checked(cleaned(name));
  return Buffer.from(`${checked(cleaned(Buffer.from(name).toString("latin1")))}\0`, "latin1");
}

/** Files may be called "name/" in a tar. */
function cleaned(name: string): string {
  return posix.normalize(`/${name}`).slice(1).replace(/\/$/, "");
}

function checked(path: string): string {
  if (path !== "" && !path.includes("\0")) return path;
  throw changed(path, "no file can have this name");
}

/** The content of a file is not what it was when the layer was unpacked. */
export function changed(name: string | Uint8Array, why: string): ExportError {
  return new ExportError(
    "storage.changed-file",
    `the layer cannot be given as it came: file ${shown(name)}: ${why}`,
    { hint: "Pull the image again" },
  );
}

function unreadable(name: string | Uint8Array, cause: Error): ExportError {
  const message = `the layer cannot be read: file ${shown(name)}: ${cause.message}`;
  return new ExportError("storage.unreadable-file", message, { cause });
}

function shown(name: string | Uint8Array): string {
  return JSON.stringify(Buffer.from(name as Uint8Array).toString());
}
