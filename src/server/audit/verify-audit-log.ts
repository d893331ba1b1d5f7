import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { fileErrorText } from "../../config/load-file.ts";
import { ServerError } from "../errors.ts";
import { firstSequence, headBefore } from "./audit-files.ts";
import {
  type AuditHead,
  type AuditLine,
  hashLine,
  maxLineBytes,
  noHead,
  parseAuditLine,
} from "./audit-line.ts";

/** What is wrong with a log, and where. */
export interface AuditProblem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** What was found in files of one log. */
export interface AuditVerdict {
  readonly lines: number;
  /** The number of the first line: what was before is not known where it is not 1. */
  readonly first: number | undefined;
  /** To be compared with one kept elsewhere: that lines are missing at the end shows in nothing else. */
  readonly head: AuditHead;
  readonly problems: readonly AuditProblem[];
  /** The hash of the line that was asked for, where it is there. */
  readonly wanted?: string;
  /** Bytes behind the last line feed: a line that is being written, or that somebody was killed over. */
  readonly unfinishedBytes: number;
}

const maxProblems = 100;

/**
 * Follows the chain through files of one log, in whatever order they are named.
 *
 * @param wanted the number of a line whose hash is asked for
 * @throws {ServerError} `server.bad-file` where one cannot be read
 */
export async function verifyAuditLog(
  files: readonly string[],
  wanted?: number,
): Promise<AuditVerdict> {
  const ordered = await inOrder(files);
  const chain = new ChainFollower(wanted, await before(ordered[0]));
  for (const file of ordered) {
    chain.beginFile(file);
    for await (const line of readLines(file)) chain.next(line);
  }
  return chain.verdict();
}

/** Lines of files of one log, those that are none left out. @throws as {@link verifyAuditLog} */
export async function* readAuditLog(files: readonly string[]): AsyncGenerator<AuditLine> {
  for (const file of await inOrder(files)) {
    for await (const { text, isWhole } of readLines(file)) {
      const line = isWhole ? parseAuditLine(text.toString("utf8")) : undefined;
      if (line) yield line;
    }
  }
}

interface RawLine {
  readonly text: Buffer;
  /** Whether a line feed ends it. */
  readonly isWhole: boolean;
}

class ChainFollower {
  readonly #problems: AuditProblem[] = [];
  #head: AuditHead | undefined;
  #first: number | undefined;
  #lines = 0;
  #unfinished = 0;
  #file = "";
  #number = 0;
  readonly #wanted: number | undefined;
  #found: string | undefined;

  constructor(wanted: number | undefined, head: AuditHead | undefined) {
    this.#wanted = wanted;
    this.#head = head;
  }

  beginFile(file: string): void {
    if (this.#unfinished > 0) this.#problem("the line does not end, and is not the last");
    this.#unfinished = 0;
    this.#file = file;
    this.#number = 0;
  }

  next({ text, isWhole }: RawLine): void {
    this.#number += 1;
    if (!isWhole) {
      this.#unfinished = text.length;
      return;
    }
    this.#lines += 1;
    const line = parseAuditLine(text.toString("utf8"));
    if (!line) {
      this.#broken("is none of an audit log");
      return;
    }
    this.#compare(line);
    this.#first ??= line.seq;
    this.#head = { sequence: line.seq, hash: hashLine(text) };
    if (line.seq === this.#wanted) this.#found = this.#head.hash;
  }

  #compare({ seq, previous }: AuditLine): void {
    const before = this.#head ?? (seq === 1 ? noHead : undefined);
    if (!before) {
      const named = firstByName(this.#file);
      if (named !== undefined && named !== seq && this.#lines === 1)
        this.#problem(`has number ${seq}, expected ${named} by the file's name: lines are missing`);
      return;
    }
    if (seq !== before.sequence + 1)
      this.#problem(
        `has number ${seq}, expected ${before.sequence + 1}: lines are missing or twice`,
      );
    else if (previous !== before.hash)
      this.#problem("does not go with the line before: one of them was changed");
  }

  /** What follows can only be compared among itself. */
  #broken(message: string): void {
    this.#problem(message);
    this.#head = undefined;
  }

  #problem(message: string): void {
    if (this.#problems.length >= maxProblems) return;
    this.#problems.push({ file: this.#file, line: this.#number, message });
  }

  verdict(): AuditVerdict {
    return {
      lines: this.#lines,
      first: this.#first,
      head: this.#head ?? noHead,
      problems: this.#problems,
      ...(this.#found !== undefined && { wanted: this.#found }),
      unfinishedBytes: this.#unfinished,
    };
  }
}

/**
 * Where a log is before the first of its files: one that was not put aside goes on where the last did that was, and begins
 * where there is none.
 */
async function before(file: string | undefined): Promise<AuditHead | undefined> {
  if (file === undefined || firstByName(file) !== undefined) return undefined;
  return (await beginning(file)) === 1 ? noHead : await headBefore(file);
}

/** What a file that was put aside is called by, which is how the log's beginning shows where the oldest were removed. */
function firstByName(file: string): number | undefined {
  const [, digits] = /\.(\d{12})$/.exec(file) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Files without a line come last: the log goes on in them. */
async function inOrder(files: readonly string[]): Promise<readonly string[]> {
  const known = await Promise.all(
    files.map(async (file) => ({ file, first: await beginning(file) })),
  );
  return known.sort((a, b) => a.first - b.first).map(({ file }) => file);
}

async function beginning(file: string): Promise<number> {
  try {
    await using handle = await open(file, "r");
    return (await firstSequence(handle)) ?? Number.MAX_SAFE_INTEGER;
  } catch (error) {
    throw new ServerError("server.bad-file", fileErrorText(error, "open", file), { cause: error });
  }
}

async function* readLines(file: string): AsyncGenerator<RawLine> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      yield { text: bytes.subarray(0, end), isWhole: true };
      bytes = bytes.subarray(end + 1);
    }
    // Nobody wrote so long a line: it is taken for one, so that it is told of and not held.
    if (bytes.length > maxLineBytes) {
      yield { text: bytes, isWhole: true };
      bytes = Buffer.alloc(0);
    }
    rest = bytes;
  }
  if (rest.length > 0) yield { text: rest, isWhole: false };
}
