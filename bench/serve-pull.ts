import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtProgram } from "../test/support/built.ts";
import { launchOptions } from "../test/support/launch.ts";
import { measured, run } from "./measure.ts";
import { freePort, listening } from "./ports.ts";
import type { ServeCase } from "./serve-cases.ts";
import { hostedImage, pushImage } from "./serve-content.ts";
import type { ServeRow } from "./serve-report.ts";
import { cpuMs, type ServeWorld } from "./serve-world.ts";

const lagMs = 20;
const mbit = 1000;

/** A whole image pulled by our own client: straight from its registry, and through us with nothing held. */
export const pullCase: ServeCase = async (world, { registry, layout, lag, runs }) => {
  const upstream = await world.dockerRegistry(registry);
  if (layout === undefined) {
    await pushImage(upstream.port, "bench/image", hostedImage([48e6, 32e6, 16e6]));
  } else {
    const to = `docker://127.0.0.1:${upstream.port}/bench/image:latest`;
    await amphora("copy", "-q", "--dest-tls-verify=false", `oci:${layout}:latest`, to);
  }
  const far = await startForwarder(lag, upstream.port);
  try {
    return [
      await compare(world, `${lagMs} ms and ${mbit} Mbit/s away`, { port: far.port, runs }, 1.1),
      await compare(world, "on this machine", { port: upstream.port, runs }, 2.5),
    ];
  } finally {
    far.child.kill("SIGKILL");
  }
};

async function compare(
  world: ServeWorld,
  where: string,
  { port, runs }: { readonly port: number; readonly runs: number },
  atMost: number,
): Promise<ServeRow> {
  const direct: number[] = [];
  const through: number[] = [];
  const cpu: number[] = [];
  for (let n = 0; n < runs; n++) {
    direct.push(await pull(world, `127.0.0.1:${port}/bench/image:latest`));
    const upstream = `{name: up.example, alias: up, url: "http://127.0.0.1:${port}"}`;
    const at = await world.folder();
    await using server = await world.amphora(`log: {requests: false}\nupstreams: [${upstream}]\n`, {
      at,
    });
    const before = cpuMs(server.pid);
    through.push(await pull(world, `127.0.0.1:${server.port}/up/bench/image:latest`));
    cpu.push(cpuMs(server.pid) - before);
    await server.kill("SIGTERM");
    await rm(join(at, "data"), { recursive: true });
  }
  return {
    name: `pull through, ${where} (other: direct)`,
    unit: "ms",
    ours: through,
    theirs: direct,
    ourCpu: cpu,
    goal: { of: "ratio", atMost },
  };
}

async function pull(world: ServeWorld, image: string): Promise<number> {
  const to = await world.folder();
  const words = ["copy", "-q", "--src-tls-verify=false", `docker://${image}`, `dir:${to}/image`];
  const { wallMs } = await measured(await command(...words));
  await rm(to, { recursive: true });
  return wallMs;
}

async function amphora(...words: readonly string[]): Promise<void> {
  await run(await command(...words));
}

async function command(...words: readonly string[]) {
  const { nodeArgs, env } = launchOptions();
  const program = [process.execPath, ...nodeArgs, await builtProgram(), "--insecure-policy"];
  return { words: [...program, ...words], env };
}

async function startForwarder(
  lag: string | undefined,
  target: number,
): Promise<{ readonly port: number; readonly child: ChildProcess }> {
  const port = await freePort();
  const file = lag ?? fileURLToPath(new URL("./lag.ts", import.meta.url));
  const args = [file, port, target, lagMs, ...(lag === undefined ? [] : [mbit])].map(String);
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  await Promise.race([
    listening(port),
    once(child, "exit").then(() => Promise.reject(new Error(`${file} has ended`))),
  ]);
  return { port, child };
}
