import { UsageError } from "../core/errors.ts";
import type { CommandContext, RunCommand } from "./context.ts";
import { UsageWithHelp } from "./errors.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { type Invocation, readCommandLine } from "./find-command.ts";
import type { Log } from "./log.ts";
import { refuseLostBytes } from "./lost-bytes.ts";
import type { Parts } from "./parts.ts";
import { reportFailure, startLog } from "./reporting.ts";
import { type GlobalSettings, globalSettings } from "./settings.ts";
import { interruptible } from "./signals.ts";
import type { ProgramName } from "./specs/spec.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

const COMMANDS: Readonly<Record<string, () => Promise<{ readonly run: RunCommand }>>> = {
  compat: () => import("./commands/compat.ts"),
  completion: () => import("./commands/completion.ts"),
  copy: () => import("./commands/copy.ts"),
  delete: () => import("./commands/delete.ts"),
  "experimental-image-proxy": () => import("./commands/image-proxy.ts"),
  "generate-sigstore-key": () => import("./commands/generate-sigstore-key.ts"),
  help: () => import("./commands/help.ts"),
  history: () => import("./commands/history.ts"),
  images: () => import("./commands/images.ts"),
  info: () => import("./commands/info.ts"),
  inspect: () => import("./commands/inspect.ts"),
  layers: () => import("./commands/layers.ts"),
  "list-tags": () => import("./commands/list-tags.ts"),
  load: () => import("./commands/load.ts"),
  log: () => import("./commands/log.ts"),
  login: () => import("./commands/login.ts"),
  lookaside: () => import("./commands/serve.ts"),
  logout: () => import("./commands/logout.ts"),
  signatures: () => import("./commands/signatures.ts"),
  "manifest-digest": () => import("./commands/manifest-digest.ts"),
  pull: () => import("./commands/pull.ts"),
  push: () => import("./commands/push.ts"),
  rmi: () => import("./commands/rmi.ts"),
  save: () => import("./commands/save.ts"),
  serve: () => import("./commands/serve.ts"),
  setup: () => import("./commands/setup.ts"),
  signer: () => import("./commands/signer.ts"),
  sign: () => import("./commands/sign.ts"),
  "standalone-sign": () => import("./commands/standalone-sign.ts"),
  "standalone-verify": () => import("./commands/standalone-verify.ts"),
  sync: () => import("./commands/sync.ts"),
  tag: () => import("./commands/tag.ts"),
  trust: () => import("./commands/trust.ts"),
  unpack: () => import("./commands/unpack.ts"),
  untag: () => import("./commands/untag.ts"),
  "untrusted-signature-dump-without-verification": () =>
    import("./commands/untrusted-signature-dump.ts"),
  verify: () => import("./commands/verify.ts"),
  worker: () => import("./commands/worker.ts"),
};

const COMPLETION_WORDS = ["__complete", "__completeNoDesc"];

/** Where the program is started from. */
export interface Start {
  readonly program: ProgramName;
  readonly version: string;
  readonly argv: readonly string[];
}

/** Does what the command line says; gives the exit code. Failures are told on standard error and never thrown. */
export async function runProgram(start: Start): Promise<number> {
  const terminal = processTerminal();
  let log = startLog(start.program, terminal);
  try {
    const [first = "", ...words] = start.argv;
    if (COMPLETION_WORDS.includes(first)) return await complete(start, first, words, terminal);
    const invocation = readCommandLine(start.program, start.argv);
    if (await answeredByText(start, invocation, terminal)) return 0;
    const settings = globalSettings(invocation.globals, start.program === "skopeo");
    log = startLog(start.program, terminal, settings);
    if (settings.tlsVerify !== undefined) {
      log.warning("'--tls-verify' is deprecated, please set this on the specific subcommand");
    }
    refuseLostBytes(start.argv);
    await runCommand(start, invocation, settings, terminal, log);
    return 0;
  } catch (error) {
    reportFailure(error, { program: start.program, terminal, log });
    return exitCodeOf(error);
  }
}

/** `--help` and `--version` win over everything else. */
async function answeredByText(
  { program, version }: Start,
  { flags, path }: Invocation,
  terminal: Terminal,
): Promise<boolean> {
  if (flags.bool("help") || path.at(-1)?.children) {
    const { helpText } = await import("./help.ts");
    await terminal.out(helpText(program, path));
    return true;
  }
  if (path.length > 0 || !flags.bool("version")) return false;
  await terminal.out(versionLine(program, version));
  return true;
}

function versionLine(program: ProgramName, version: string): string {
  return program === "skopeo" ? "skopeo version 1.22.0\n" : `amphora version ${version}\n`;
}

async function runCommand(
  start: Start,
  { path, flags, globals, args }: Invocation,
  settings: GlobalSettings,
  terminal: Terminal,
  log: Log,
): Promise<void> {
  const { program, version } = start;
  if (path.length === 0) throw (await import("./suggest.ts")).noSuchCommand(program, args[0]);
  await goOnAsStorageUser(start, path[0]?.name ?? "", { args, log });
  const load = COMMANDS[path[0]?.name ?? ""] ?? (() => import("./commands/not-yet.ts"));
  using interruption = interruptible(settings.commandTimeoutMs);
  let parts: Promise<Parts> | undefined;
  const context: CommandContext = {
    program,
    version,
    path,
    flags,
    globals,
    args,
    settings,
    terminal,
    log,
    signal: interruption.signal,
    parts: () => (parts ??= assemble({ program, version, settings, log })),
  };
  try {
    const { run } = await load();
    await run(context);
  } catch (error) {
    if (error instanceof UsageWithHelp) await printHelp(context);
    throw error;
  } finally {
    await (await parts)?.close();
  }
}

/** Does not come back where the run goes on in a user namespace: an ordinary user's, that has to do with containers-storage. */
async function goOnAsStorageUser(
  { program }: Start,
  command: string,
  { args, log }: Pick<CommandContext, "args" | "log">,
): Promise<void> {
  if (process.getuid?.() === 0) return;
  const { isOrdinaryUser, namespaceNeed } = await import("./rootless/namespace-need.ts");
  const need = namespaceNeed(command, args);
  if (need === undefined || !isOrdinaryUser()) return;
  const { enterNamespace } = await import("./rootless/enter-namespace.ts");
  await enterNamespace({ program, need, log });
}

async function printHelp({ program, path, terminal }: CommandContext): Promise<void> {
  const { helpText } = await import("./help.ts");
  terminal.err(helpText(program, path));
}

async function assemble(input: Parameters<typeof import("./assemble.ts").assemble>[0]) {
  const module = await import("./assemble.ts");
  return module.assemble(input);
}

async function complete(
  { program }: Start,
  word: string,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  if (words.length === 0)
    throw new UsageError("usage.bad-flag", "requires at least 1 arg(s), only received 0");
  const { completeWords } = await import("./complete.ts");
  const { text, directive } = completeWords(program, words, word === "__complete");
  await terminal.out(text);
  terminal.err(`Completion ended with directive: ${directive}\n`);
  return 0;
}
