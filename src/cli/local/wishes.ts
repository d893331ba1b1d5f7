import type { CopyOptions } from "../../copy/options.ts";
import { type Platform, parsePlatform } from "../../core/platform.ts";
import type { CommandContext } from "../context.ts";
import type { Terminal } from "../terminal.ts";

/** What is asked of a copy where the flags say nothing else: of a list, the image for this machine. */
export function plainWish(platform: Platform): CopyOptions {
  return {
    select: { type: "system" },
    platform,
    preserveDigests: false,
    removeSignatures: false,
    compression: { force: false },
  };
}

/** The platform of `--platform`, else of the program's flags or the machine. @throws {UsageError} `usage.bad-flag` */
export function wantedPlatform({ flags }: CommandContext, otherwise: Platform): Platform {
  const text = flags.string("platform");
  return text === "" ? otherwise : parsePlatform(text);
}

/** The same run, with what is told of its progress on standard error: standard output is for results. */
export function progressAside(context: CommandContext): CommandContext {
  const { terminal } = context;
  const aside: Terminal = {
    get stdin() {
      return terminal.stdin;
    },
    get stdoutIsTty() {
      return terminal.stderrIsTty;
    },
    get stderrIsTty() {
      return terminal.stderrIsTty;
    },
    out: async (data) =>
      terminal.err(typeof data === "string" ? data : Buffer.from(data).toString()),
    err: (text) => terminal.err(text),
    columns: () => terminal.columns(),
    rows: () => terminal.rows(),
  };
  return { ...context, terminal: aside };
}
