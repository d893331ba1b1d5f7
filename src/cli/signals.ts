import { CliError } from "./errors.ts";

const EXIT_INTERRUPTED = 130;

/** What calls a run off: the user, or the clock. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Aborts on SIGINT and SIGTERM, and `timeoutMs` after now (0: never). A second signal ends the process at once; signals
 * go back to their own effect on disposal.
 */
export function interruptible(timeoutMs: number): Interruption {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort(new CliError("cli.interrupted", "interrupted"));
  };
  const expire = () =>
    controller.abort(new CliError("cli.deadline-exceeded", "context deadline exceeded"));
  const timer = timeoutMs > 0 ? setTimeout(expire, Math.min(timeoutMs, 2 ** 31 - 1)) : undefined;
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    },
  };
}
