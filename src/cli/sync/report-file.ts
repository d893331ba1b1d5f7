import { closeSync, openSync, writeSync } from "node:fs";
import { fileErrorText } from "../../config/load-file.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { SyncEvent, SyncItem, SyncSummary } from "../../sync/events.ts";
import { CliError } from "../errors.ts";
import type { Traffic } from "../parts.ts";

/** The last record of a report. */
export type SummaryRecord = { readonly type: "summary" } & SyncSummary & Traffic;

/** An event as it is written down: images by their names. */
export function reportRecord(event: SyncEvent | SummaryRecord): object {
  const named = { ...event } as Record<string, unknown>;
  if ("item" in event) Object.assign(named, { item: itemRecord(event.item) });
  if ("reference" in event) Object.assign(named, { reference: nameOf(event.reference) });
  return named;
}

function itemRecord({ number, rule, from, to }: SyncItem): object {
  return { number, rule, from: nameOf(from), to: nameOf(to) };
}

/** Not as typed: it has to mean the same elsewhere. */
function nameOf({ transport, text }: ImageReference): string {
  return formatImageReference({ transport, text } as ImageReference);
}

/** `--report`: one JSON object a line for all that ended, written as it ends, and a summary. */
export class ReportFile implements Disposable {
  readonly #path: string;
  readonly #file: number;
  #failure: CliError | undefined;

  /** Empties it. @throws {CliError} `cli.unwritable` */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = openSync(path, "w", 0o644);
    } catch (error) {
      throw this.#unwritable(error, "open");
    }
  }

  /** Neither throws nor waits for more than a write. */
  note(event: SyncEvent): void {
    if (event.type !== "image-event" && event.type !== "image-started") this.#line(event);
  }

  /** @throws {CliError} `cli.unwritable` where not all of the report could be written */
  end(summary: SyncSummary, traffic: Traffic): void {
    this.#line({ type: "summary", ...summary, ...traffic });
    if (this.#failure) throw this.#failure;
  }

  #line(event: SyncEvent | SummaryRecord): void {
    const record = { time: new Date().toISOString(), ...reportRecord(event) };
    try {
      if (!this.#failure) writeSync(this.#file, `${JSON.stringify(record)}\n`);
    } catch (error) {
      this.#failure = this.#unwritable(error, "write");
    }
  }

  #unwritable(error: unknown, call: string): CliError {
    const why = fileErrorText(error, call, this.#path);
    return new CliError("cli.unwritable", `Cannot write the report: ${why}`, { cause: error });
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
