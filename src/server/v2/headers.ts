import type { IncomingMessage } from "node:http";
import { RegistryAnswerError } from "./answer-error.ts";

/** Those that say what a request is: two of one would be read in two ways by two programs. */
const single = new Set([
  "host",
  "authorization",
  "content-type",
  "content-range",
  "content-encoding",
  "expect",
  "range",
  "if-range",
  "oci-namespace",
  "transfer-encoding",
]);

/**
 * Refuses requests whose headers leave it open what they ask; what Node's parser refuses never comes here.
 *
 * @throws {RegistryAnswerError} 400, 415, 417
 */
export function checkHeaders({ headers, rawHeaders }: IncomingMessage): void {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (!single.has(name)) continue;
    if (seen.has(name)) throw refused(400, `header "${name}" is given twice`);
    seen.add(name);
  }
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    throw refused(400, "only chunked bodies are understood");
  }
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw refused(415, "encoded bodies are not understood");
  }
}

/** A connection on which this comes is not believed to be where we think it is. */
function refused(status: number, message: string): RegistryAnswerError {
  const headers = { Connection: "close" };
  return new RegistryAnswerError("UNSUPPORTED", message, { status, headers });
}
