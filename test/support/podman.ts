import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { requirePeer } from "./peers.ts";
import { type RunResult, run } from "./run.ts";
import { type TempFolder, tempFolder } from "./temp.ts";

/** A podman with a store of its own, and no configuration but what is written here. */
export interface Podman extends AsyncDisposable {
  /** Writes a file below `~/.config/containers`. */
  configure(path: string, text: string): Promise<void>;
  /** Pulls over http under this policy file, into an empty store. */
  pull(policy: string, image: string): Promise<RunResult>;
  /** Any command; its global flags are added. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunResult>;
}

/** `await using podman = await startPodman()`; needs root. */
export async function startPodman(): Promise<Podman> {
  const folder: TempFolder = await tempFolder();
  for (const name of ["root", "run", "home", "tmp"]) await mkdir(folder.in(name));
  const store = ["--root", folder.in("root"), "--runroot", folder.in("run")];
  // What it keeps of running containers would else be shared with the machine's own podman.
  const apart = ["--tmpdir", folder.in("tmp", "libpod")];
  const quiet = [...apart, "--storage-driver", "vfs", "--events-backend", "none"];
  const podman: Podman = {
    async configure(path, text) {
      const file = join(folder.in("home"), ".config/containers", path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    },
    async pull(policy, image) {
      await podman.run(["rmi", "--all", "--force"]);
      return await podman.run([
        "pull",
        "--quiet",
        "--tls-verify=false",
        "--signature-policy",
        policy,
        image,
      ]);
    },
    run: (args, env = {}) =>
      run(requirePeer("podman"), [...store, ...quiet, ...args], {
        env: {
          HOME: folder.in("home"),
          XDG_RUNTIME_DIR: folder.in("run"),
          TMPDIR: folder.in("tmp"),
          NO_PROXY: "127.0.0.1",
          ...env,
        },
        timeoutMs: 300_000,
      }),
    async [Symbol.asyncDispose]() {
      await rm(folder.path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  return podman;
}

/** Why podman cannot be run here, besides not being there; false where it can. */
export function skipUnprivileged(): string | false {
  return process.getuid?.() === 0 ? false : "podman's store needs root here";
}
