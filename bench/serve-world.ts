import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  type ServerProcess,
  type ServerProcessOptions,
  startServerProcess,
} from "../test/support/server/server-process.ts";
import { Registry } from "./registry.ts";

const loader = fileURLToPath(new URL("./serve-load.ts", import.meta.url));
const ticksPerSecond = 100; // of /proc/PID/stat, on every Linux that Node runs on

/** Something that answers at a port, and whose processor time is known. */
export interface Answering {
  readonly port: number;
  readonly pid: number;
}

/** What a run of requests came to. */
export interface Load {
  readonly answered: number;
  readonly bytes: number;
  readonly wallMs: number;
  /** Of the server. */
  readonly cpuMs: number;
}

/** Asks `server` for `path`, from a process of its own. */
export async function load(
  server: Answering,
  path: string,
  connections: number,
  requests: number,
): Promise<Load> {
  const before = cpuMs(server.pid);
  const args = [loader, String(server.port), path, String(connections), String(requests)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return { ...JSON.parse(stdout), cpuMs: cpuMs(server.pid) - before };
}

/** Processor time of a process so far, all threads, in milliseconds. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** Resident memory now and at its most, in MB, without what is shared with files. */
export function memoryMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { now: of("VmRSS") / 1024, peak: of("VmHWM") / 1024 };
}

/** Makes what is measured, in folders that are gone in the end. */
export class ServeWorld implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();
  readonly #folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<ServeWorld> {
    const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    return new ServeWorld(await mkdtemp(join(parent, "bench-serve-")));
  }

  /** A folder that is empty. */
  async folder(): Promise<string> {
    const path = join(this.#folder, String(this.#count++));
    await mkdir(path);
    return path;
  }

  /** `amphora serve`, with `yaml` for its configuration. */
  async amphora(
    yaml: string,
    options: Partial<ServerProcessOptions> & { readonly at?: string } = {},
  ): Promise<ServerProcess> {
    const path = options.at ?? (await this.folder());
    const folder = { path, in: (...names: readonly string[]) => join(path, ...names) };
    const gone = { ...folder, [Symbol.asyncDispose]: async () => undefined };
    return this.#parts.use(await startServerProcess({ folder: gone, yaml, ...options }));
  }

  /** docker-registry, without its log of requests. */
  async dockerRegistry(words: readonly string[]): Promise<Registry> {
    return this.#parts.use(await Registry.start(words, await this.folder()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
