import { UsageError } from "../../core/errors.ts";
import type { SyncEvent, SyncSummary } from "../../sync/events.ts";
import type { CommandContext } from "../context.ts";
import type { Traffic } from "../parts.ts";

/** How a run came out, for its last lines. */
export interface SyncEnd {
  readonly summary: SyncSummary;
  readonly traffic: Traffic;
  readonly isDryRun: boolean;
  /** The first that were told of. */
  readonly failures: readonly string[];
}

/** What a user sees of a run. */
export interface SyncView {
  /**
   * Neither throws nor waits.
   *
   * @param hint what can be done about a failure, where that was not said before
   */
  note(event: SyncEvent, hint?: string): void;
  /** Leaves the screen as it should stay. Without an end the run did not come to one. */
  close(end: SyncEnd | undefined): Promise<void>;
}

/** The view that `--progress` names. @throws {UsageError} `usage.bad-flag` */
export async function openView(context: CommandContext): Promise<SyncView> {
  const { flags, terminal } = context;
  const wish = flags.string("progress") || "auto";
  switch (wish) {
    case "auto": {
      const isLive = terminal.stdoutIsTty && process.env["TERM"] !== "dumb";
      return isLive ? await openTable(context) : await openLines(context);
    }
    case "plain":
      return await openLines(context);
    case "json": {
      const { JsonView } = await import("./json-view.ts");
      return new JsonView((line) => terminal.err(`${line}\n`));
    }
    case "none":
      return await openLines(context, { quiet: true });
    default:
      throw new UsageError(
        "usage.bad-flag",
        `unknown progress style "${wish}". Choose one of: 'auto', 'plain', 'json', 'none'`,
      );
  }
}

async function openLines(
  { terminal, log }: CommandContext,
  { quiet = false }: { readonly quiet?: boolean } = {},
): Promise<SyncView> {
  const { PlainView } = await import("./plain-view.ts");
  return new PlainView({ write: (lines) => terminal.out(lines), log, quiet });
}

async function openTable({ terminal }: CommandContext): Promise<SyncView> {
  const { TableView } = await import("./table-view.ts");
  const isColoured = (process.env["NO_COLOR"] ?? "") === "";
  return new TableView({ write: (text) => terminal.out(text), terminal, isColoured });
}
