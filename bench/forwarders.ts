import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Count } from "./counter.ts";
import { freePort, listening } from "./ports.ts";

/** A program of its own between a tool and a registry. */
export interface Forwarder extends AsyncDisposable {
  readonly port: number;
}

/** `rttMs` away from what listens on `target`. */
export function startLag(target: number, rttMs: number): Promise<Forwarder> {
  return start("lag.ts", target, `${rttMs}`);
}

export function startCounter(target: number): Promise<Forwarder> {
  return start("counter.ts", target);
}

/** What has passed since the start, or the last call. */
export async function counted(counter: Forwarder): Promise<Count> {
  const response = await fetch(`http://127.0.0.1:${counter.port}/count`);
  return (await response.json()) as Count;
}

async function start(script: string, target: number, ...rest: string[]): Promise<Forwarder> {
  const port = await freePort();
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [file, `${port}`, `${target}`, ...rest], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await listening(port);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
