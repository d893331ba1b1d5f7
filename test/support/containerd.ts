import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { programPath } from "./peers.ts";
import { type RunResult, run } from "./run.ts";
import { tempFolder } from "./temp.ts";

/** containerd with folders of its own, and `ctr` to talk to it. */
export interface Containerd extends AsyncDisposable {
  ctr(...args: readonly string[]): Promise<RunResult>;
}

/** Why containerd is not to be tried here; false where it is. */
export function skipWithoutContainerd(): string | false {
  if (!programPath("containerd") || !programPath("ctr")) return "not on PATH: containerd, ctr";
  if (!programPath("unshare")) return "not on PATH: unshare";
  return process.getuid?.() === 0 ? false : "containerd needs root";
}

/** Without Kubernetes' part, and with the one snapshotter that needs nothing of the kernel. */
const unwanted = [
  "grpc.v1.cri",
  "internal.v1.opt",
  "snapshotter.v1.aufs",
  "snapshotter.v1.btrfs",
  "snapshotter.v1.devmapper",
  "snapshotter.v1.overlayfs",
  "snapshotter.v1.zfs",
].map((name) => `"io.containerd.${name}"`);

/** Starts it in mounts of its own; undefined where it does not come up. */
export async function startContainerd(): Promise<Containerd | undefined> {
  const folder = await tempFolder();
  const socket = folder.in("c.sock");
  const config = [
    "version = 2",
    `root = "${folder.in("root")}"`,
    `state = "${folder.in("state")}"`,
    `disabled_plugins = [${unwanted.join(", ")}]`,
    `[grpc]\n  address = "${socket}"\n`,
  ];
  await writeFile(folder.in("config.toml"), config.join("\n"));
  const command = ["containerd", "-c", folder.in("config.toml")];
  const daemon = spawn("unshare", ["-m", "--propagation", "private", ...command], {
    stdio: "ignore",
  });
  const ended = once(daemon, "close");
  const isOver = ended.then(() => true);
  const ctr: Containerd["ctr"] = (...args) => run("ctr", ["-a", socket, ...args]);
  for (let tries = 0; tries < 300; tries++) {
    if (await Promise.race([isOver, delay(100, false)])) break;
    if ((await ctr("version")).exitCode === 0) {
      return {
        ctr,
        async [Symbol.asyncDispose]() {
          daemon.kill("SIGTERM");
          await ended;
          await folder[Symbol.asyncDispose]();
        },
      };
    }
  }
  daemon.kill("SIGKILL");
  await ended;
  await folder[Symbol.asyncDispose]();
  return undefined;
}
