import type { CachedBlobs } from "./cached-blobs.ts";
import { countCachedBytes } from "./evict.ts";
import { collectGarbage } from "./garbage.ts";
import type { GarbageReport, StoreHealth } from "./registry-store.ts";
import type { StoreParts } from "./store-parts.ts";
import type { Uploads } from "./uploads.ts";

const minuteMs = 60_000;

/** What goes on behind the requests of an open store, until it is closed. */
export class StoreUpkeep {
  readonly #parts: StoreParts;
  readonly #uploads: Uploads;
  readonly #cachedBlobs: CachedBlobs;
  readonly #opened: Disposable;
  readonly #timers: NodeJS.Timeout[] = [];
  #closing: Promise<void> | undefined;
  #collecting: Promise<GarbageReport> | undefined;

  /** `opened` is disposed of at the end. */
  constructor(parts: StoreParts, uploads: Uploads, cachedBlobs: CachedBlobs, opened: Disposable) {
    this.#parts = parts;
    this.#uploads = uploads;
    this.#cachedBlobs = cachedBlobs;
    this.#opened = opened;
  }

  /** Begins what goes on by itself. */
  start(): void {
    const { settings, indexes, uses } = this.#parts;
    indexes.schedule(); // what a process that died has left behind
    this.#every(minuteMs, "noting uses", async () => uses.write());
    this.#every(minuteMs, "looking for changes", async () => indexes.schedule());
    if (settings.collectEveryMs > 0) {
      this.#every(settings.collectEveryMs, "collecting garbage", () => this.collectGarbage());
    }
  }

  #every(ms: number, what: string, work: () => Promise<unknown>): void {
    const { report } = this.#parts;
    const run = () =>
      work().catch((error: unknown) => report({ type: "background-failed", what, error }));
    this.#timers.push(setInterval(() => void run(), ms).unref());
  }

  /** One at a time: whoever asks while one is under way gets that one's report. */
  collectGarbage(): Promise<GarbageReport> {
    const { work } = this.#parts;
    this.#collecting ??= work
      .run(async () => {
        const report = await collectGarbage(this.#parts);
        await this.#uploads.recount();
        return report;
      })
      .finally(() => {
        this.#collecting = undefined;
      });
    return this.#collecting;
  }

  health(): Promise<StoreHealth> {
    return this.#parts.work.run(() => {
      const { records, database } = this.#parts;
      const count = (what: string) => records.count(`select count(*) as n from ${what}`);
      database.transaction(() => {});
      return {
        repositories: count("repositories"),
        manifests: count("manifests"),
        tags: count("tags"),
        openUploads: this.#uploads.open,
        staleIndexes: count("repositories where revision <> indexed"),
        cachedBytes: countCachedBytes(this.#parts),
      };
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    using _opened = this.#opened;
    await this.#parts.work.close();
    await this.#cachedBlobs.idle();
    await this.#parts.openBlobs.forgetAll();
    await this.#leave();
  }

  /** What cannot be written now is made up for by whoever opens the folder next. */
  async #leave(): Promise<void> {
    const { indexes, uses, report } = this.#parts;
    try {
      uses.write();
      await indexes.close();
    } catch (error) {
      report({ type: "background-failed", what: "closing", error });
    }
  }
}
