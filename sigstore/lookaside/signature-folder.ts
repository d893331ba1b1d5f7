import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, renameSync, statSync, unlinkSync } from "node:fs";
import { link, open, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileErrorText, systemCode } from "../../src/config/load-file.ts";
import { SignatureError } from "../errors.ts";
import { maxSignatureBytes, mostSignatures, signatureName } from "./layout.ts";

/** Where the system cannot link files: FAT, some network and FUSE file systems. */
const cannotLink: readonly string[] = [
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
  "EXDEV",
];

/** A number that is neither there nor to be had: a link that leads nowhere. Others who come and go end sooner. */
const mostRefusals = 1000;

/** The signatures of one image as files: `signature-1` and on, or as `nameOf` has it. Numbers go from 1. */
export class SignatureFolder {
  readonly #path: string;
  readonly #nameOf: (number: number) => string;

  constructor(path: string, nameOf: (number: number) => string = signatureName) {
    this.#path = path;
    this.#nameOf = nameOf;
  }

  /** Puts `bytes` under the next free number, unless they are there. Overwrites nothing. */
  async add(bytes: Uint8Array): Promise<"added" | "held" | "full"> {
    const unfinished = await this.#writeUnfinished(bytes);
    try {
      for (let number = 1, refused = 0; number <= mostSignatures; ) {
        const held = await readSignatureFile(this.#at(number));
        if (held && Buffer.compare(held, bytes) === 0) return "held";
        if (!held && (await this.#take(unfinished, number, bytes))) {
          await this.#closeGapBefore(number);
          return "added";
        }
        if (held) number++;
        else if (++refused > mostRefusals) throw unusable(this.#at(number));
      }
      return "full";
    } finally {
      await unlinkIfThere(unfinished);
    }
  }

  /**
   * Removes a signature; the last one takes its number. One that is not there any more is no failure. Whether it is still
   * at its number is asked in the call before: another removal may have put another signature there.
   */
  async remove(number: number): Promise<void> {
    const victim = await readSignatureFile(this.#at(number));
    if (!victim) return;
    for (let at = number; at > 0; at = await this.#find(victim)) {
      const last = await this.#last();
      if (!this.#replace(at, victim, last)) continue;
      await this.#closeGapBefore(last + 1);
      return;
    }
  }

  /** Removes all, the last first, so that no reader sees a gap. */
  async clear(): Promise<void> {
    for (let last = await this.#last(); last > 0; last--) await unlinkIfThere(this.#at(last));
  }

  #at(number: number): string {
    return join(this.#path, this.#nameOf(number));
  }

  /** The number of `bytes`; 0 where they are not there. */
  async #find(bytes: Uint8Array): Promise<number> {
    for (let number = await this.#last(); number > 0; number--) {
      if (holds(this.#at(number), bytes)) return number;
    }
    return 0;
  }

  async #last(): Promise<number> {
    let last = 0;
    while (await isThere(this.#at(last + 1))) last++;
    return last;
  }

  /**
   * Puts the last one in the place of `victim`, or removes it where it is the last, or behind a gap. False where somebody
   * else has moved or removed one of them meanwhile. Asked and done in one turn: no other process has longer for that than
   * between two calls of the system.
   */
  #replace(at: number, victim: Uint8Array, last: number): boolean {
    const [from, to] = [this.#at(last), this.#at(at)];
    const done = unlessSync(["ENOENT"], this.#path, () => {
      if (!holds(to, victim)) return false;
      if (last <= at) unlinkSync(to);
      else renameSync(from, to);
      return true;
    });
    return done ?? false;
  }

  /**
   * One process may remove the last signature just when another adds one behind it: whoever comes second moves it down.
   * The link cannot overwrite, so two that do it at once do no harm.
   */
  async #closeGapBefore(number: number): Promise<void> {
    for (let at = number; at > 1 && (await isThere(this.#at(at))); at--) {
      if (await isThere(this.#at(at - 1))) return;
      if (!this.#moveDown(at)) return;
    }
  }

  /** In one turn, as {@link #replace}: what is there after the link may already be another one, which stays. */
  #moveDown(at: number): boolean {
    const [from, to] = [this.#at(at), this.#at(at - 1)];
    const moved = unlessSync(["ENOENT", "EEXIST", ...cannotLink], this.#path, () => {
      const bytes = readFileSync(from);
      linkSync(from, to);
      if (holds(from, bytes)) unlinkSync(from);
      return true;
    });
    return moved ?? false;
  }

  async #writeUnfinished(bytes: Uint8Array): Promise<string> {
    const path = join(this.#path, `.unfinished-${randomBytes(8).toString("hex")}`);
    try {
      await writeNew(path, bytes);
    } catch (error) {
      await unlink(path).catch(() => undefined); // how it began is what counts
      throw describeFailure(error, "open", path);
    }
    return path;
  }

  /** False where the number was taken by another in this moment. */
  async #take(unfinished: string, number: number, bytes: Uint8Array): Promise<boolean> {
    const path = this.#at(number);
    try {
      await link(unfinished, path);
      return true;
    } catch (error) {
      const code = systemCode(error) ?? "";
      if (code === "EEXIST") return false;
      if (!cannotLink.includes(code)) throw describeFailure(error, "open", path);
    }
    try {
      await writeNew(path, bytes);
      return true;
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      throw describeFailure(error, "open", path);
    }
  }
}

/**
 * The bytes of a signature; undefined where there is none.
 *
 * @throws {SignatureError} `signature.store-failed`; `signature.store-limit` for one that is too large
 */
export async function readSignatureFile(path: string): Promise<Uint8Array | undefined> {
  if (isSurelyAbsent(path)) return undefined;
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > maxSignatureBytes) throw tooLarge(path);
    const bytes = await file.readFile();
    if (bytes.byteLength > maxSignatureBytes) throw tooLarge(path);
    return bytes;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (error instanceof SignatureError) throw error;
    throw describeFailure(error, "open", path);
  }
}

/**
 * Whether there is no such file, and nothing on the way to it is a fault to tell of. Most images have no signature, and
 * mirrors look for those of thousands: such a look costs a tenth of an `open` that fails.
 */
function isSurelyAbsent(path: string): boolean {
  try {
    const folder = dirname(path);
    const found = statSync(folder, quietly);
    if (found) return found.isDirectory() && !statSync(path, quietly);
    return isBelowFolder(folder);
  } catch {
    return false;
  }
}

/** Whether the nearest that there is above what is not there can hold files. */
function isBelowFolder(path: string): boolean {
  for (let below = path, at = dirname(path); at !== below; below = at, at = dirname(at)) {
    const found = statSync(at, quietly);
    if (found) return found.isDirectory();
  }
  return false;
}

const quietly = { throwIfNoEntry: false } as const;

function unusable(path: string): SignatureError {
  return new SignatureError("signature.store-failed", `open ${path}: leads nowhere`, {
    hint: `Remove ${path}`,
  });
}

function tooLarge(path: string): SignatureError {
  return new SignatureError(
    "signature.store-limit",
    `parsing signature ${JSON.stringify(path)}: exceeded maximum allowed size of ${maxSignatureBytes} bytes`,
  );
}

function holds(path: string, bytes: Uint8Array): boolean {
  const held = unlessSync(["ENOENT"], path, () => readFileSync(path));
  return held !== undefined && Buffer.compare(held, bytes) === 0;
}

/** Written out to the disk before it gets its number: a number never stands for half a signature. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "wx", 0o644);
  await file.writeFile(bytes);
  await file.datasync();
}

async function isThere(path: string): Promise<boolean> {
  const found = await unless(["ENOENT"], path, () => stat(path));
  return found !== undefined;
}

async function unlinkIfThere(path: string): Promise<void> {
  await unless(["ENOENT"], path, () => unlink(path));
}

/** Undefined where the call failed in one of these ways. */
async function unless<T>(
  codes: readonly string[],
  path: string,
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (codes.includes(systemCode(error) ?? "")) return undefined;
    throw describeFailure(error, "write", path);
  }
}

/** As {@link unless}, at once. */
function unlessSync<T>(codes: readonly string[], path: string, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (codes.includes(systemCode(error) ?? "")) return undefined;
    throw describeFailure(error, "write", path);
  }
}

/** A failed file call in the reference's words: `open /x: permission denied`. */
export function describeFailure(error: unknown, call: string, path: string): SignatureError {
  return new SignatureError("signature.store-failed", fileErrorText(error, call, path), {
    cause: error,
  });
}
