import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Arguments } from "./arguments.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { commandOf, type Place, type Task } from "./commands.ts";
import { type Forwarder, startCounter, startLag } from "./forwarders.ts";
import { imageLayout } from "./images.ts";
import { run } from "./measure.ts";
import { Registry } from "./registry.ts";
import { findProgram, type Tool } from "./tools.ts";

/** How far away "far" is. */
export const lagMs = 20;

/** What every run finds: registries, folders and the image in them. */
export class World implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();
  readonly work: string;
  readonly layout: string;
  /** The image with plain layers, as `dir:`. */
  readonly plain: string;
  /** A containers-storage with the image in it. */
  readonly store: string;
  readonly certificates: Certificates;
  readonly source: Registry;
  readonly destination: Registry;
  readonly tlsSource: Registry;
  readonly tlsDestination: Registry;
  /** The source, far away. */
  readonly far: Forwarder;

  private constructor(parts: Omit<World, "counters" | typeof Symbol.asyncDispose>) {
    this.work = parts.work;
    this.layout = parts.layout;
    this.plain = parts.plain;
    this.store = parts.store;
    this.certificates = parts.certificates;
    this.source = parts.source;
    this.destination = parts.destination;
    this.tlsSource = parts.tlsSource;
    this.tlsDestination = parts.tlsDestination;
    this.far = parts.far;
  }

  /** @throws {Error} where there is no docker-registry */
  static async make(args: Arguments, ours: Tool): Promise<World> {
    const registry = await findProgram("docker-registry", args);
    if (!registry) throw new Error("no docker-registry on PATH, nor behind --prefix");
    const work = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "bench-"));
    const certificates = await makeCertificates(work);
    const start = (name: string, secured?: Certificates) =>
      Registry.start(registry, join(work, name), secured);
    const source = await start("source");
    const parts = {
      work,
      certificates,
      source,
      layout: await imageLayout(args, work),
      plain: join(work, "plain"),
      store: join(work, "store"),
      destination: await start("destination"),
      tlsSource: await start("tls-source", certificates),
      tlsDestination: await start("tls-destination", certificates),
      far: await startLag(source.port, lagMs),
    };
    const world = new World(parts);
    for (const part of [
      source,
      parts.destination,
      parts.tlsSource,
      parts.tlsDestination,
      parts.far,
    ]) {
      world.#parts.use(part);
    }
    await world.#fill(ours);
    return world;
  }

  async #fill(ours: Tool): Promise<void> {
    const from: Place = { at: "oci", path: this.layout };
    const { certificates: tls } = this;
    const port = this.source.port;
    for (const to of [
      { at: "registry", port, repository: "bench/image" },
      { at: "registry", port, repository: "bench/held" },
      { at: "registry", port: this.tlsSource.port, repository: "bench/image", tls },
      { at: "storage", path: this.store, driver: "overlay" },
    ] as const) {
      await perform(ours, { do: "copy", from, to });
    }
    const words = [...ours.words, "--insecure-policy", "copy", "-q", "--dest-decompress"];
    await run({ words: [...words, `oci:${this.layout}:latest`, `dir:${this.plain}`] });
  }

  /** Counting forwarders before the source and the destination as it is now. */
  async counters(): Promise<readonly [Forwarder, Forwarder]> {
    return [await startCounter(this.source.port), await startCounter(this.destination.port)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
    await rm(this.work, { recursive: true, force: true });
  }
}

async function perform(tool: Tool, task: Task): Promise<void> {
  const command = commandOf(tool, task);
  if (command) await run(command);
}
