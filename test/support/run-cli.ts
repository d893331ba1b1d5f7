import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { builtProgram } from "./built.ts";
import { type RunOptions, type RunResult, run } from "./run.ts";
import { type TempFolder, tempFolder } from "./temp.ts";

/** A user's home on a machine of its own: no configuration but what is written here, an empty TMPDIR. */
export interface CliHome extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file under the home, `.config/containers/registries.conf` for example. */
  write(path: string, text: string): Promise<void>;
  /** Files that were left in TMPDIR. */
  leftInTemp(): Promise<string[]>;
  /** Runs the program as `amphora`, `as` another name, or under Node's `nodeArgs`. */
  run(args: readonly string[], options?: CliOptions): Promise<RunResult>;
}

export interface CliOptions extends RunOptions {
  readonly as?: "amphora" | "skopeo";
  readonly nodeArgs?: readonly string[];
  /** The main file; {@link builtProgram}'s unless told. */
  readonly main?: string;
}

/** A fresh home whose policy admits everything. */
export async function cliHome(): Promise<CliHome> {
  const folder = await tempFolder();
  const places = { HOME: "home", XDG_RUNTIME_DIR: "run", TMPDIR: "tmp" };
  for (const place of Object.values(places)) await mkdir(folder.in(place));
  const env = {
    HOME: folder.in("home"),
    XDG_RUNTIME_DIR: folder.in("run"),
    TMPDIR: folder.in("tmp"),
    PATH: "/usr/bin:/bin",
  };
  const home: CliHome = {
    folder,
    env,
    async write(path, text) {
      await mkdir(dirname(folder.in("home", path)), { recursive: true });
      await writeFile(folder.in("home", path), text);
    },
    leftInTemp: () => readdir(folder.in("tmp")),
    run: (args, options = {}) => runCli(args, { ...options, env: { ...env, ...options.env } }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
  await home.write(
    ".config/containers/policy.json",
    '{"default":[{"type":"insecureAcceptAnything"}]}',
  );
  return home;
}

/** Runs the program; the name it was called by goes along as `bin/amphora` hands it on. */
export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<RunResult> {
  const { as = "amphora", nodeArgs = [], main = await builtProgram(), ...rest } = options;
  return run(process.execPath, [...nodeArgs, main, ...args], {
    ...rest,
    env: { ...rest.env, AMPHORA_CALLED_AS: as },
  });
}
