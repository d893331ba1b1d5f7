import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { builtProgram } from "./built.ts";
import { skipWithout } from "./peers.ts";
import { type RunResult, run } from "./run.ts";
import { type TempFolder, tempFolder } from "./temp.ts";

const files = ["passwd", "group", "subuid", "subgid"] as const;
const modules = join(import.meta.dirname, "../../node_modules");

/** A user that only the programs started here know: nothing of the machine's `/etc` is changed. */
export const user = { name: "amphora-user", uid: 54_321, firstId: 1_300_000 } as const;

export interface UserOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Files or folders put in the place of others, for this one program. */
  readonly instead?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** An ordinary user's home, and programs that run as that user. */
export interface OrdinaryUser extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly home: string;
  /** Any program. */
  run(program: string, args: readonly string[], options?: UserOptions): Promise<RunResult>;
  /** With a store of overlay, where nothing else is said. */
  podman(args: readonly string[], options?: UserOptions): Promise<RunResult>;
  /** Ours, as it is shipped. */
  amphora(args: readonly string[], options?: UserOptions): Promise<RunResult>;
  /** What {@link run} starts, for whoever watches over the process itself. */
  command(program: string, args: readonly string[], options?: UserOptions): readonly string[];
  /** Node and our main file, where this user can read them. */
  readonly program: readonly [node: string, main: string];
  readonly env: Readonly<Record<string, string>>;
}

/** Why there can be no such user here; false where there can. */
export function skipUsers(): string | false {
  if (process.getuid?.() !== 0) return "only root can become another user";
  const absent = skipWithout("newuidmap", "newgidmap");
  if (absent) return absent;
  const missing = files.find((name) => !existsSync(`/etc/${name}`));
  if (missing) return `there is no /etc/${missing} to put another in the place of`;
  const { uid } = user;
  const become = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const probe = ["-m", "--propagation", "private", ...become, "unshare", "-U", "true"];
  const { status, stderr } = spawnSync("unshare", probe, { encoding: "utf8" });
  return status === 0 ? false : `no user namespaces can be made here: ${stderr?.trim()}`;
}

/** `await using someone = await ordinaryUser()`, with these lines in `/etc/subuid` and `/etc/subgid`. */
export async function ordinaryUser(
  ranges: { readonly subuid?: string; readonly subgid?: string } = {},
): Promise<OrdinaryUser> {
  const folder = await tempFolder();
  chmodSync(folder.path, 0o755);
  writeEtc(folder, ranges);
  const home = folder.in("home");
  for (const name of ["", ".config", ".config/containers", "run", "tmp"]) {
    mkdirSync(join(home, name), { mode: 0o700 });
    chownSync(join(home, name), user.uid, user.uid);
  }
  const policy = '{"default":[{"type":"insecureAcceptAnything"}]}';
  writeFileSync(join(home, ".config/containers/policy.json"), policy);
  const engine = '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n';
  writeFileSync(join(home, ".config/containers/containers.conf"), engine);
  const env = { HOME: home, XDG_RUNTIME_DIR: join(home, "run"), TMPDIR: join(home, "tmp") };
  const whole = realpathSync(modules);
  // Wherever the checkout is, the user need not be able to go there.
  const places = { [folder.in("node")]: process.execPath, [folder.in("node_modules")]: whole };
  writeFileSync(folder.in("node"), "");
  mkdirSync(folder.in("node_modules"));
  const main = folder.in("node_modules", relative(whole, realpathSync(await builtProgram())));
  const someone: OrdinaryUser = {
    folder,
    home,
    env,
    program: [folder.in("node"), main],
    command: (program, args, { instead = {} } = {}) => {
      const etc = Object.fromEntries(files.map((name) => [`/etc/${name}`, folder.in(name)]));
      return asUser({ ...etc, ...places, ...instead }, home, [program, ...args]);
    },
    run: (program, args, options = {}) => {
      const [first = "", ...rest] = someone.command(program, args, options);
      const { instead: _, ...others } = options;
      return run(first, rest, { ...others, env: { ...env, ...options.env } });
    },
    amphora: (args, options) => someone.run(folder.in("node"), [main, ...args], options),
    podman: (args, options = {}) =>
      someone.run("podman", args, {
        ...options,
        env: { STORAGE_DRIVER: "overlay", ...options.env },
      }),
    async [Symbol.asyncDispose]() {
      endPause(join(home, "run/libpod/tmp/pause.pid"));
      await folder[Symbol.asyncDispose]();
    },
  };
  return someone;
}

function writeEtc(
  folder: TempFolder,
  { subuid, subgid }: { readonly subuid?: string; readonly subgid?: string },
): void {
  const { name, uid, firstId } = user;
  const range = `${name}:${firstId}:65536\n`;
  const passwd = `${readFileSync("/etc/passwd", "utf8")}\n${name}:x:${uid}:${uid}::${folder.in("home")}:/bin/sh\n`;
  writeFileSync(folder.in("passwd"), passwd);
  writeFileSync(folder.in("group"), `${readFileSync("/etc/group", "utf8")}\n${name}:x:${uid}:\n`);
  writeFileSync(folder.in("subuid"), subuid ?? range);
  writeFileSync(folder.in("subgid"), subgid ?? range);
}

/** The process that podman leaves behind to keep its namespaces. */
function endPause(path: string): void {
  if (!existsSync(path)) return;
  const pid = Number(readFileSync(path, "utf8"));
  const status = existsSync(`/proc/${pid}/status`)
    ? readFileSync(`/proc/${pid}/status`, "utf8")
    : "";
  if (new RegExp(`^Uid:\\s*${user.uid}\\b`, "m").test(status)) process.kill(pid, "SIGKILL");
}

/** In a mount namespace of its own, which is gone with the program, in the user's home. */
function asUser(
  places: Readonly<Record<string, string>>,
  home: string,
  words: readonly string[],
): readonly string[] {
  const mounts = Object.entries(places).flatMap(([to, from]) => [from, to]);
  const script = `n=$1; shift; while [ $n -gt 0 ]; do mount --bind "$1" "$2" || exit 125; shift 2; n=$((n-1)); done
    cd "$1"; shift; exec setpriv --reuid=${user.uid} --regid=${user.uid} --clear-groups -- "$@"`;
  const shell = ["sh", "-c", script, "sh", String(mounts.length / 2), ...mounts, home];
  return [requireProgram("unshare"), "-m", "--propagation", "private", ...shell, ...words];
}

function requireProgram(name: string): string {
  const path = ["/usr/bin", "/bin"].map((place) => join(place, name)).find(existsSync);
  if (path === undefined) throw new Error(`${name} is missing`);
  return path;
}
