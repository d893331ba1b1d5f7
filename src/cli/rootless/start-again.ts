import type { Environment } from "../../config/environment.ts";
import type { ProgramName } from "../specs/spec.ts";

/** Where and as what this run begins anew. */
export interface NewStart {
  /** The path of nsenter(1). */
  readonly nsenter: string;
  /** A process that is in the namespace; it is killed from in there. */
  readonly holder: number;
  readonly program: ProgramName;
  readonly environment: Environment;
}

/**
 * Starts the program again in place of this process, which so keeps its number, its terminal, its descriptors, and whoever waits
 * for it; in the namespace of another process. Does not come back.
 */
export async function startAgain(start: NewStart): Promise<never> {
  const { nsenter, holder } = start;
  const { argv, execArgv, execPath } = process;
  await keepNamedDescriptors(argv.slice(2));
  const script = 'kill "$0" 2>/dev/null; exec "$@"';
  // What Node has to say of a call that may still change would be the user's first line.
  process.emitWarning = () => {};
  const entering = [`--user=/proc/${holder}/ns/user`, "--preserve-credentials", "--"];
  const again = [execPath, ...execArgv, ...argv.slice(1)];
  const words = ["nsenter", ...entering, "/bin/sh", "-c", script, String(holder), ...again];
  if (!process.execve) throw new Error("This Node cannot put another program in its place");
  try {
    process.execve(nsenter, words, variablesOf(start));
  } catch (error) {
    process.kill(holder);
    throw error;
  }
  throw new Error("nsenter has not taken the place of this process");
}

/** The names by which podman's and buildah's own programs know that they are in there already. */
function variablesOf({ program, environment: { home, uid } }: NewStart): NodeJS.ProcessEnv {
  return {
    ...process.env,
    // Looked up in there, it would be root's.
    HOME: process.env["HOME"] || home,
    AMPHORA_CALLED_AS: program,
    _CONTAINERS_USERNS_CONFIGURED: "done",
    _CONTAINERS_ROOTLESS_UID: String(uid),
    _CONTAINERS_ROOTLESS_GID: String(process.getgid?.() ?? uid),
  };
}

/** Node closes the low ones that it was started with: `--authfile /dev/fd/3 3<FILE`. Shells' own `<(…)` have high ones. */
async function keepNamedDescriptors(args: readonly string[]): Promise<void> {
  const texts = [...args, ...Object.values(process.env)];
  const named = texts.flatMap((text) => [
    ...(text ?? "").matchAll(/(?:^|[=:])\/(?:dev|proc\/self)\/fd\/(\d+)/g),
  ]);
  const low = named.map(([, digits]) => Number(digits)).filter((fd) => fd > 2 && fd < 17);
  if (low.length === 0) return;
  const { keepOpen } = await import("../../libc/descriptors.ts");
  for (const descriptor of low) keepOpen(descriptor);
}
