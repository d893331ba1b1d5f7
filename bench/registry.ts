import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificates } from "./certificates.ts";
import { freePort, listening } from "./ports.ts";

/** A docker-registry of its own, its storage in a folder that is best on a RAM disk. */
export class Registry implements AsyncDisposable {
  readonly #words: readonly string[];
  readonly #folder: string;
  readonly #certificates: Certificates | undefined;
  #child: ChildProcess | undefined;
  #port = 0;

  private constructor(
    words: readonly string[],
    folder: string,
    certificates: Certificates | undefined,
  ) {
    this.#words = words;
    this.#folder = folder;
    this.#certificates = certificates;
  }

  /** @param words what starts docker-registry */
  static async start(
    words: readonly string[],
    folder: string,
    certificates?: Certificates,
  ): Promise<Registry> {
    const registry = new Registry(words, folder, certificates);
    await registry.empty();
    return registry;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it anew, on another port and with nothing in it. */
  async empty(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await mkdir(join(this.#folder, "data"), { recursive: true });
    this.#port = await freePort();
    const file = join(this.#folder, "config.json");
    await writeFile(file, JSON.stringify(this.#configuration())); // JSON is YAML
    const [program = "", ...args] = [...this.#words, "serve", file];
    this.#child = spawn(program, args, { stdio: "ignore" });
    await listening(this.#port);
  }

  #configuration(): object {
    return {
      version: 0.1,
      log: { level: "error", accesslog: { disabled: true } },
      storage: {
        filesystem: { rootdirectory: join(this.#folder, "data"), maxthreads: 100 },
        cache: { blobdescriptor: "inmemory" },
        delete: { enabled: true },
      },
      http: {
        addr: `127.0.0.1:${this.#port}`,
        ...(this.#certificates && {
          tls: { certificate: this.#certificates.certificate, key: this.#certificates.key },
        }),
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child && child.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(join(this.#folder, "data"), { recursive: true, force: true });
  }
}
