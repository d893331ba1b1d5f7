import { type AskHelper, type HelperAnswer, helperProgram } from "./credential-helper.ts";
import type { Environment } from "./environment.ts";
import { systemCode } from "./load-file.ts";

/** How long a helper may take: some ask the user for a password. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1 << 20;

const SIGNALS: ReadonlyMap<NodeJS.Signals, string> = new Map([
  ["SIGABRT", "aborted"],
  ["SIGHUP", "hangup"],
  ["SIGINT", "interrupt"],
  ["SIGKILL", "killed"],
  ["SIGPIPE", "broken pipe"],
  ["SIGSEGV", "segmentation fault"],
  ["SIGTERM", "terminated"],
]);

/** How much of a helper is borne with: by default 60 s and 1 MiB. */
export interface HelperLimits {
  readonly timeoutMs?: number;
  readonly maxOutputBytes?: number;
  /** Told what a helper wrote to its standard error. */
  readonly onDebug?: (text: string) => void;
}

/** Makes the asker that runs `docker-credential-<name>`, without a shell. */
export function createHelperRunner(environment: Environment, limits: HelperLimits = {}): AskHelper {
  const timeout = limits.timeoutMs ?? TIMEOUT_MS;
  return async (helper, action, input, { signal }) => {
    const program = helperProgram(helper);
    const { execFile } = await import("node:child_process");
    signal.throwIfAborted();
    return new Promise<HelperAnswer>((resolve, reject) => {
      const options = {
        env: environment.variables as NodeJS.ProcessEnv,
        ...(environment.cwd !== "" && { cwd: environment.cwd }),
        encoding: "utf8",
        timeout,
        killSignal: "SIGKILL",
        maxBuffer: limits.maxOutputBytes ?? MAX_OUTPUT_BYTES,
        signal,
      } as const;
      const child = execFile(program, [action], options, (error, stdout, stderr) => {
        if (stderr !== "") limits.onDebug?.(`${program}: ${stderr.trimEnd()}`);
        if (signal.aborted) reject(signal.reason);
        else
          resolve(error === null ? { stdout } : { stdout, failure: tell(error, program, timeout) });
      });
      child.stdin?.on("error", () => {}); // a helper may answer without reading
      child.stdin?.end(input);
    });
  };
}

/** The failure in the words of Go's os/exec. */
function tell(
  error: Error & { code?: unknown; killed?: boolean; signal?: NodeJS.Signals | null },
  program: string,
  timeoutMs: number,
): string {
  const code = systemCode(error);
  if (code === "ENOENT") return `exec: "${program}": executable file not found in $PATH`;
  if (code === "EACCES") return `exec: "${program}": permission denied`;
  if (code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return "the output is too long";
  if (error.killed) return `no answer within ${timeoutMs / 1_000} s`;
  if (error.signal) return `signal: ${SIGNALS.get(error.signal) ?? error.signal}`;
  return typeof error.code === "number" ? `exit status ${error.code}` : error.message;
}
