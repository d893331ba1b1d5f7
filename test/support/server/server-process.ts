import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { builtProgram } from "../built.ts";
import { launchOptions } from "../launch.ts";
import type { TempFolder } from "../temp.ts";

/** `amphora serve` as a process of its own, listening. */
export interface ServerProcess extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  /** From the start of the process until it listened. */
  readonly startMs: number;
  /** What it wrote to standard error so far. */
  log(): string;
  /** Ends it; gives its exit code, or the signal that it ended by. */
  kill(signal: NodeJS.Signals): Promise<number | string>;
}

export interface ServerProcessOptions {
  /** Has the configuration, a home and, in `data`, what the server keeps; outlives the process. */
  readonly folder: TempFolder;
  /** As in the configuration file, but for `data`. */
  readonly yaml?: string;
  /** Written beside the configuration. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly listen?: string;
  /** Goes before the program, which is the last argument of this shell's text: `"$@"`. */
  readonly shell?: string;
  /** A listening socket that the process gets as descriptor 3. */
  readonly descriptor?: number;
  /** Is given the process before it listens. */
  readonly onSpawn?: (child: ChildProcess) => void;
  /** From when on it is waited for, no longer than for a while; by default from its start. */
  readonly begun?: Promise<void>;
}

const patienceMs = 120_000;

/** Starts the program as it is shipped; it listens when this returns. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const began = performance.now();
  const child = await spawnServer(options);
  options.onSpawn?.(child);
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const url = await listening(child, () => text, options.begun);
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const [code, by] = await ended;
    return code ?? by ?? 0;
  };
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    child,
    startMs: performance.now() - began,
    log: () => text,
    kill,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await kill("SIGKILL");
    },
  };
}

async function spawnServer(options: ServerProcessOptions): Promise<ChildProcess> {
  const { folder, yaml = "", files = {}, listen = "127.0.0.1:0", shell, descriptor } = options;
  const home = folder.in("home");
  await mkdir(home, { recursive: true });
  await mkdir(folder.in("etc"), { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(folder.in("etc", name), bytes);
  const config = folder.in("etc", "serve.yaml");
  await writeFile(config, yaml);
  const { nodeArgs, env } = launchOptions("serve");
  const serve = ["serve", "--config", config, "--listen", listen, "--data", folder.in("data")];
  const words = [process.execPath, ...nodeArgs, await builtProgram(), ...serve];
  const [program = "", ...args] = shell === undefined ? words : ["sh", "-c", shell, "sh", ...words];
  return spawn(program, args, {
    stdio: ["pipe", "ignore", "pipe", ...(descriptor === undefined ? [] : [descriptor])],
    env: { ...env, PATH: "/usr/bin:/bin", HOME: home, AMPHORA_CALLED_AS: "amphora" },
  });
}

function listening(
  child: ChildProcess,
  log: () => string,
  begun: Promise<void> = Promise.resolve(),
): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the server ${why}: ${log()}`));
    let timer: NodeJS.Timeout | undefined;
    void begun.then(() => {
      timer = setTimeout(fail, patienceMs, "does not listen").unref();
    });
    const look = () => {
      const url = /"url":"(http[^"]*)","version"/.exec(log())?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      child.stderr?.off("data", look);
      resolve(url);
    };
    child.stderr?.on("data", look);
    child.once("exit", () => {
      clearTimeout(timer);
      fail("has ended");
    });
  });
}
