import { ContentError } from "../../core/errors.ts";
import { goString } from "../../core/go-json.ts";
import { parseJsonText } from "../../core/json-text.ts";
import { DaemonError } from "./errors.ts";

/**
 * What went wrong, if anything, by the messages that a daemon answers a load with: JSON objects one after the other, which
 * tell of failures behind a status of 200.
 */
export function loadFailure(text: string): DaemonError | undefined {
  for (const message of messagesIn(text)) {
    let detail: unknown;
    try {
      parseJsonText(message, { maxDepth: 100 }); // for its words
      detail = (JSON.parse(message) as { errorDetail?: { message?: unknown } } | null)?.errorDetail;
    } catch (error) {
      const why = error instanceof ContentError ? error.message : String(error);
      return new DaemonError("daemon.bad-answer", `parsing docker load progress: ${why}`);
    }
    if (typeof detail === "object" && detail !== null) {
      const said = "message" in detail && typeof detail.message === "string" ? detail.message : "";
      return new DaemonError("daemon.refused", `docker engine reported: ${goString(said, false)}`);
    }
  }
  return undefined;
}

/** A string, a brace, or anything else there may be. */
const piece = /"(?:[^"\\]|\\.)*"?|[{}]|[^"{}]+/gs;

/** The documents of a text: a daemon ends each with a new line, but need not. */
function* messagesIn(text: string): Iterable<string> {
  let depth = 0;
  let start = 0;
  for (const { 0: found, index } of text.matchAll(piece)) {
    if (found === "{") depth++;
    if (found !== "}" || --depth > 0) continue;
    yield text.slice(start, index + 1);
    start = index + 1;
  }
  if (text.slice(start).trim() !== "") yield text.slice(start);
}
