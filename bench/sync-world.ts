import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Count } from "./counter.ts";
import { counted, type Forwarder, startCounter, startLag } from "./forwarders.ts";
import { type ManyTags, pushManyTags } from "./many-tags.ts";
import { Registry } from "./registry.ts";

/** Two registries: one with many tags, one to fill; both so far away as is asked for. */
export class SyncWorld implements AsyncDisposable {
  readonly #folder: string;
  readonly #source: Registry;
  readonly #destination: Registry;

  private constructor(folder: string, source: Registry, destination: Registry) {
    this.#folder = folder;
    this.#source = source;
    this.#destination = destination;
  }

  /** @param words what starts docker-registry; `tags` are in the repository `many` */
  static async make(words: readonly string[], tags: ManyTags): Promise<SyncWorld> {
    const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    const folder = await mkdtemp(join(parent, "bench-sync-"));
    const source = await Registry.start(words, join(folder, "source"));
    await pushManyTags(`127.0.0.1:${source.port}`, "many", tags);
    const destination = await Registry.start(words, join(folder, "destination"));
    return new SyncWorld(folder, source, destination);
  }

  /** Takes away all that was written. */
  async empty(): Promise<void> {
    await this.#destination.empty();
  }

  /** Both ends behind `rttMs`; disposed of, the ways to them are gone. */
  async ends(rttMs: number): Promise<Ends> {
    const ports = [this.#source.port, this.#destination.port];
    if (rttMs === 0) return new Ends(ports, []);
    const forwarders = await Promise.all(ports.map((port) => startLag(port, rttMs)));
    return new Ends(
      forwarders.map(({ port }) => port),
      forwarders,
    );
  }

  /** What `work` asks of both ends. */
  async count(work: (ends: Ends) => Promise<unknown>): Promise<number> {
    const ports = [this.#source.port, this.#destination.port];
    const counters = await Promise.all(ports.map((port) => startCounter(port)));
    await using ends = new Ends(
      counters.map(({ port }) => port),
      counters,
    );
    await work(ends);
    const counts: Count[] = await Promise.all(counters.map((counter) => counted(counter)));
    return counts.reduce((sum, { requests }) => sum + requests.length, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
    await this.#destination[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Where the source and the destination are reached: `127.0.0.1:PORT`. */
export class Ends implements AsyncDisposable {
  readonly source: string;
  readonly destination: string;
  readonly #forwarders: readonly Forwarder[];

  constructor([source, destination]: readonly number[], forwarders: readonly Forwarder[]) {
    this.source = `127.0.0.1:${source}`;
    this.destination = `127.0.0.1:${destination}`;
    this.#forwarders = forwarders;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const forwarder of this.#forwarders) await forwarder[Symbol.asyncDispose]();
  }
}
