import { constants } from "node:fs";
import { constants as system } from "node:os";

/** The calls that a walk is made of; names end in a NUL. */
export interface WalkCalls {
  /** A descriptor, or the negative errno. */
  open(dir: number, name: Buffer, flags: number): number;
  /** What a link says; undefined for what is none. */
  readLink(dir: number, name: Buffer): Buffer | undefined;
  close(fd: number): void;
}

/** How a walk resolves: as the openat2(2) that it stands in for. */
export interface WalkOptions {
  readonly flags: number;
  readonly noSymlinks?: boolean;
}

const mostLinks = 40;

/** What is opened on the way. */
const folderFlags = 0o10000000 | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens a path with `root` as what `/` means, one name after the other, where the kernel cannot do it at once: links are read,
 * and never followed by the kernel. Gives a descriptor, or the negative errno. Nobody else may be moving folders meanwhile.
 */
export function walkInRoot(
  calls: WalkCalls,
  root: number,
  path: Buffer,
  options: WalkOptions,
): number {
  const walk = new Walk(calls, root, options);
  try {
    return walk.follow(namesOf(path));
  } finally {
    walk.leave();
  }
}

class Walk {
  readonly #calls: WalkCalls;
  readonly #root: number;
  readonly #options: WalkOptions;
  /** The folders from the root to where it is. */
  readonly #way: number[] = [];
  #links = 0;

  constructor(calls: WalkCalls, root: number, options: WalkOptions) {
    this.#calls = calls;
    this.#root = root;
    this.#options = options;
  }

  /** Back to the root. */
  leave(): void {
    for (const fd of this.#way.splice(0)) this.#calls.close(fd);
  }

  follow(names: Buffer[]): number {
    for (let name = names.shift(); name; name = names.shift()) {
      const link = this.#linkAt(name, names.length === 0);
      if (link && !this.#mayFollow()) return -system.errno.ELOOP;
      if (link) names.unshift(...this.#namesOfLink(link));
      else if (names.length === 0 && !isUp(name)) return this.#open(name, this.#options.flags);
      else {
        const failure = this.#enter(name);
        if (failure < 0) return failure;
      }
    }
    return this.#open(Buffer.from(".\0"), this.#options.flags);
  }

  #namesOfLink(link: Buffer): readonly Buffer[] {
    if (link[0] === 0x2f) this.leave();
    return namesOf(link);
  }

  /** Into a folder, or out of this one. */
  #enter(name: Buffer): number {
    if (isUp(name)) {
      const left = this.#way.pop();
      if (left !== undefined) this.#calls.close(left);
      return 0;
    }
    const next = this.#open(name, folderFlags);
    if (next >= 0) this.#way.push(next);
    return next;
  }

  #open(name: Buffer, flags: number): number {
    return this.#calls.open(this.#way.at(-1) ?? this.#root, name, flags | constants.O_NOFOLLOW);
  }

  /** What is to be followed at a name, or refused. */
  #linkAt(name: Buffer, last: boolean): Buffer | undefined {
    if (last && (this.#options.flags & constants.O_NOFOLLOW) !== 0) return;
    return this.#calls.readLink(this.#way.at(-1) ?? this.#root, name);
  }

  #mayFollow(): boolean {
    this.#links += 1;
    return !this.#options.noSymlinks && this.#links <= mostLinks;
  }
}

function isUp(name: Buffer): boolean {
  return name.toString("latin1") === "..\0";
}

/** The names of a path that lead anywhere, each with a NUL behind it. */
function namesOf(path: Buffer): Buffer[] {
  return path
    .toString("latin1")
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .map((name) => Buffer.from(`${name}\0`, "latin1"));
}
