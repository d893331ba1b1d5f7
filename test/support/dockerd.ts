import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { programPath } from "./peers.ts";
import { type RunResult, run } from "./run.ts";
import { tempFolder } from "./temp.ts";

/** A real Docker daemon with folders of its own. */
export interface Dockerd extends AsyncDisposable {
  /** For `docker -H`. */
  readonly host: string;
  docker(...args: readonly string[]): Promise<RunResult>;
}

/** Why dockerd is not to be tried here; false where it is. */
export function skipWithoutDockerd(): string | false {
  if (!programPath("dockerd") || !programPath("docker")) return "not on PATH: dockerd, docker";
  return process.getuid?.() === 0 ? false : "dockerd needs root";
}

/** The real daemon of this machine, on a socket of its own, without networks; undefined where it does not come up. */
export async function startDockerd(
  options: {
    /** Its daemon.json. */
    readonly configFile?: string;
  } = {},
): Promise<Dockerd | undefined> {
  const folder = await tempFolder();
  const host = `unix://${folder.in("d.sock")}`;
  for (const name of ["root", "exec", "home"]) await mkdir(folder.in(name));
  const daemon = spawn(
    "dockerd",
    [
      ...["--iptables=false", "--bridge=none", "--storage-driver=vfs", "-H", host],
      ...["--data-root", folder.in("root"), "--exec-root", folder.in("exec")],
      ...["--pidfile", folder.in("pid")],
      ...(options.configFile === undefined ? [] : ["--config-file", options.configFile]),
    ],
    { stdio: "ignore" },
  );
  const ended = once(daemon, "close");
  const isOver = ended.then(() => true);
  const docker: Dockerd["docker"] = (...args) =>
    run("docker", ["-H", host, ...args], { env: { HOME: folder.in("home") } });
  const stop = async (signal: NodeJS.Signals) => {
    daemon.kill(signal);
    await ended;
    await folder[Symbol.asyncDispose]();
  };
  for (let tries = 0; tries < 300; tries++) {
    if (await Promise.race([isOver, delay(200, false)])) break;
    if ((await docker("version")).exitCode === 0)
      return { host, docker, [Symbol.asyncDispose]: () => stop("SIGTERM") };
  }
  await stop("SIGKILL");
  return undefined;
}
