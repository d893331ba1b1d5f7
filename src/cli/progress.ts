import type { CopyEvent, Report } from "../copy/events.ts";
import { UsageError } from "../core/errors.ts";
import type { CommandContext } from "./context.ts";
import type { Traffic } from "./parts.ts";
import { ProgressBars } from "./progress-bars.ts";
import { JsonProgress } from "./progress-json.ts";
import { CopyLines } from "./progress-lines.ts";
import { CopyTotals, formatSummary } from "./summary.ts";
import type { Terminal } from "./terminal.ts";

/** What a user sees of a copy under way. */
export interface Progress {
  readonly report: Report;
  /** Whether layers are named even where nothing is to be done, which costs reading the manifest. */
  readonly tellsLayers: boolean;
  /** Ends what is shown; with the traffic of a copy that succeeded, sums it up where that is wanted. */
  end(traffic: Traffic | undefined): Promise<void>;
}

/** "lines" are skopeo's. */
type Style = "none" | "lines" | "bars" | "json";

/** One way of showing a copy. */
export interface ProgressView {
  show(event: CopyEvent): void;
  /** Leaves the screen as it should stay. */
  close(): void;
}

/** @throws {UsageError} `usage.bad-flag` for an unknown `--progress` */
export function startProgress(context: CommandContext): Progress {
  const { terminal, program, flags } = context;
  const wish = program === "skopeo" ? "auto" : flags.string("progress") || "auto";
  const style = chooseStyle(wish, flags.bool("quiet"), terminal);
  const totals = new CopyTotals();
  const started = process.uptime();
  let last: Promise<void> = Promise.resolve();
  const write = (text: string) => {
    last = terminal.out(text);
    last = last.catch(() => {}); // a copy does not fail for lack of spectators
  };
  const view = viewFor(style, context, write);
  const sumsUp =
    program !== "skopeo" && (style === "bars" || wish === "plain") && !flags.bool("quiet");
  return {
    tellsLayers: style === "lines",
    report(event) {
      totals.add(event);
      view?.show(event);
    },
    async end(traffic) {
      view?.close();
      const seconds = process.uptime() - started;
      if (traffic && sumsUp) write(`${formatSummary(totals, traffic, seconds)}\n`);
      if (traffic && view instanceof JsonProgress) view.sumUp(totals, traffic, seconds);
      await last;
    },
  };
}

function chooseStyle(wish: string, quiet: boolean, terminal: Terminal): Style {
  switch (wish) {
    case "auto":
      if (quiet) return "none";
      return terminal.stdoutIsTty ? "bars" : "lines";
    case "plain":
      return quiet ? "none" : "lines";
    case "json":
    case "none":
      return wish;
    default:
      throw new UsageError(
        "usage.bad-flag",
        `unknown progress style "${wish}". Choose one of: 'auto', 'plain', 'json', 'none'`,
      );
  }
}

function viewFor(
  style: Style,
  { terminal }: CommandContext,
  write: (text: string) => void,
): ProgressView | undefined {
  switch (style) {
    case "none":
      return undefined;
    case "lines":
      return new CopyLines((line) => write(`${line}\n`));
    case "json":
      return new JsonProgress((line) => terminal.err(`${line}\n`));
    case "bars":
      return new ProgressBars(write, terminal);
  }
}
