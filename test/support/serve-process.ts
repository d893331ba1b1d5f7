import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { builtProgram } from "./built.ts";
import { tempFolder } from "./temp.ts";

/** `amphora serve` in a process of its own. */
export interface ServeProcess extends AsyncDisposable {
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** What it has logged so far. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

export interface ServeProcessOptions {
  /** The configuration, keys as in the file; where it listens and keeps its data is added. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Its environment: HOME for example, where policies and registries.d are looked for. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program with its arguments that runs what follows in its place, such as setpriv. */
  readonly under?: readonly string[];
  /** Node and our main file, where those of this checkout cannot be reached. */
  readonly program?: readonly [node: string, main: string];
}

/** Starts the program as built with a configuration file, on a free port, and waits until it listens. */
export async function startServe(options: ServeProcessOptions = {}): Promise<ServeProcess> {
  const folder = await tempFolder();
  const config = folder.in("serve.yaml");
  const base = { listen: ["127.0.0.1:0"], data: folder.in("data"), log: { format: "json" } };
  await writeFile(config, stringify({ ...base, ...options.settings }));
  const { under = [] } = options;
  if (under.length > 0) await chmod(folder.path, 0o755);
  const node = options.program ?? [process.execPath, await builtProgram()];
  const own = [...node, "serve", "--config", config];
  const [program = "", ...args] = [...under, ...own];
  const child = spawn(program, args, {
    cwd: folder.path,
    env: { PATH: "/usr/bin:/bin", HOME: folder.path, ...options.env, AMPHORA_CALLED_AS: "amphora" },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const lines: Record<string, unknown>[] = [];
  const closed = once(child, "close");
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const entry: Record<string, unknown> = line.startsWith("{") ? JSON.parse(line) : { line };
      lines.push(entry);
      if (entry["msg"] === "listening") resolve(String(entry["url"]));
    });
    void closed.then(() => reject(new Error(`It ended before it listened: ${told(lines)}`)));
  });
  return {
    url,
    host: new URL(url).host,
    lines,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await closed;
      await folder[Symbol.asyncDispose]();
    },
  };
}

function told(lines: readonly object[]): string {
  return lines.map((line) => JSON.stringify(line)).join("\n");
}
