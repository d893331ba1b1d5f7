import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockFolder } from "../../layout/folder-lock.ts";
import { identifyProcess, type OwnProcess } from "../../layout/owner.ts";
import type { AuditEvent, AuditLog } from "../audit.ts";
import { ServerError } from "../errors.ts";
import type { Report } from "../server-event.ts";
import { firstSequence, headBefore, openAuditFile, putAside, readTail } from "./audit-files.ts";
import { type AuditHead, chainEvent } from "./audit-line.ts";

/** A log that is being written. Disposing of it writes what was noted. */
export interface OpenAuditLog extends AuditLog, AsyncDisposable {
  /** Why nothing can be written now; undefined: all is well. */
  readonly trouble: string | undefined;
  /**
   * Until all that was noted before is on the disk.
   *
   * @throws {ServerError} `server.bad-audit-log` where it cannot be written now; it may be later
   */
  flush(): Promise<void>;
}

/** Where and how it is written. */
export interface AuditLogOptions {
  readonly file: string;
  readonly maxBytes: number;
  /** Files put aside that are kept; 0: all. */
  readonly keep: number;
  readonly now: () => number;
  readonly report: Report;
  /** How long events may gather before they are written, in milliseconds. */
  readonly gatherMs?: number;
}

interface Waiting {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: ServerError) => void;
}

interface Noted {
  readonly event: AuditEvent;
  readonly time: number;
}

const maxNoted = 100_000;
const maxBatch = 2000;

/**
 * Opens a log and goes on where it ended. Several processes may write to one (a new server while the old one ends): each
 * batch is written under a lock, behind what is there then.
 *
 * @throws {ServerError} `server.bad-audit-log` where its last line is none
 */
export async function openAuditLog(options: AuditLogOptions): Promise<OpenAuditLog> {
  const writer = new AuditWriter(options, await identifyProcess());
  try {
    await writer.begin();
    return writer;
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
}

class AuditWriter implements OpenAuditLog {
  readonly #options: AuditLogOptions;
  readonly #self: OwnProcess;
  #noted: Noted[] = [];
  #lost = 0;
  /** How many of what was noted are on the disk. */
  #written = 0;
  #waiting: Waiting[] = [];
  #handle: FileHandle | undefined;
  /** Of the file as we left it: inode and size. */
  #mark = "";
  #head: AuditHead | undefined;
  #writing: Promise<void> | undefined;
  #closing = false;
  trouble: string | undefined;

  constructor(options: AuditLogOptions, self: OwnProcess) {
    this.#options = options;
    this.#self = self;
  }

  /** Repairs what a killed process has left. */
  async begin(): Promise<void> {
    await this.#locked(async () => {
      const lines = await this.#catchUp();
      if (lines.length > 0) await this.#append(lines);
    });
  }

  note(event: AuditEvent): void {
    if (this.#noted.length >= maxNoted) this.#lost += 1;
    else this.#noted.push({ event, time: this.#options.now() });
    this.#writing ??= this.#writeAll();
  }

  /** Others may note on and on meanwhile. */
  async flush(): Promise<void> {
    if (this.#noted.length === 0) return;
    const count = this.#written + this.#noted.length;
    await new Promise<void>((resolve, reject) => this.#waiting.push({ count, resolve, reject }));
  }

  #tellWritten(): void {
    const isDone = ({ count }: Waiting) => count <= this.#written;
    for (const { resolve } of this.#waiting.filter(isDone)) resolve();
    this.#waiting = this.#waiting.filter((each) => !isDone(each));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#writing;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #writeAll(): Promise<void> {
    let waitMs = this.#options.gatherMs ?? 50;
    while (this.#noted.length > 0) {
      if (!this.#closing || this.trouble !== undefined) await sleep(waitMs);
      const batch = this.#noted.slice(0, maxBatch);
      try {
        await this.#locked(() => this.#writeBatch(batch));
        this.#noted = this.#noted.slice(batch.length);
        this.#written += batch.length;
        this.#tellWritten();
        this.#wellAgain();
        waitMs = this.#options.gatherMs ?? 50;
      } catch (error) {
        this.#troubled(error);
        if (this.#closing) break;
        waitMs = Math.min(5000, Math.max(100, waitMs * 2));
      }
    }
    this.#writing = undefined;
  }

  async #locked(work: () => Promise<void>): Promise<void> {
    const folder = dirname(this.#options.file);
    this.#handle ??= await openAuditFile(this.#options.file);
    await using _lock = await lockFolder(folder, {
      self: this.#self,
      signal: AbortSignal.timeout(30_000),
    });
    await work();
  }

  async #writeBatch(batch: readonly Noted[]): Promise<void> {
    const lines = [...(await this.#catchUp())];
    const lost = this.#lost;
    const events = lost === 0 ? batch : [...batch, this.#own("lost", `${lost} events`)];
    for (const { event, time } of events) lines.push(this.#chain(event, time));
    await this.#append(lines);
    this.#lost -= lost;
  }

  /** Finds the end of the log where it is not as we left it; gives the line that tells of a repair. */
  async #catchUp(): Promise<readonly string[]> {
    const { file } = this.#options;
    if (this.#head && this.#mark === (await this.#markNow(this.#handle))) return [];
    await this.#handle?.close();
    this.#handle = await openAuditFile(file);
    const { head, wholeBytes, tornBytes } = await readTail(this.#handle, file);
    this.#head = head ?? (await headBefore(file));
    if (tornBytes === 0) return [];
    await this.#handle.truncate(wholeBytes);
    const text = `cut off ${tornBytes} bytes of a line that was not finished`;
    this.#options.report({ type: "message", level: "warn", text: `audit log: ${text}` });
    const { event, time } = this.#own("repaired", text);
    return [this.#chain(event, time)];
  }

  #own(type: "repaired" | "lost", detail: string): Noted {
    return { event: { type, detail }, time: this.#options.now() };
  }

  #chain(event: AuditEvent, time: number): string {
    if (!this.#head) throw new Error("The end of the audit log is not known");
    const { line, head } = chainEvent(this.#head, event, time);
    this.#head = head;
    return line;
  }

  /** What was written in part is torn: the next batch begins with a look at the end. */
  async #append(lines: readonly string[]): Promise<void> {
    this.#mark = "";
    await this.#handle?.appendFile(`${lines.join("\n")}\n`);
    await this.#handle?.datasync();
    await this.#turnOver();
    this.#mark = await this.#markNow(this.#handle);
  }

  async #turnOver(): Promise<void> {
    const { file, maxBytes, keep } = this.#options;
    if (!this.#handle || (await this.#handle.stat()).size < maxBytes) return;
    const first = await firstSequence(this.#handle);
    if (first === undefined) return;
    await putAside(file, first, keep);
    await this.#handle.close();
    this.#handle = await openAuditFile(file);
  }

  async #markNow(handle: FileHandle | undefined): Promise<string> {
    if (!handle) return "";
    const own = await handle.stat();
    return own.nlink === 0 ? "" : `${own.ino} ${own.size}`;
  }

  #troubled(error: unknown): void {
    this.#head = undefined;
    const text = error instanceof Error ? error.message : String(error);
    if (this.trouble === undefined) {
      const message = "audit log cannot be written";
      this.#options.report({ type: "message", level: "error", text: message, error });
    }
    this.trouble = `the audit log cannot be written: ${text}`;
    const failure = new ServerError("server.bad-audit-log", this.trouble, {
      cause: error,
      retryable: true,
    });
    for (const { reject } of this.#waiting) reject(failure);
    this.#waiting = [];
  }

  #wellAgain(): void {
    if (this.trouble === undefined) return;
    this.trouble = undefined;
    this.#options.report({ type: "message", level: "info", text: "audit log is written again" });
  }
}
