import type { Decision } from "../admission.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { Exchange } from "./exchange.ts";
import { nameForRights } from "./rights.ts";
import type { Service } from "./service.ts";

/** A decision against it. */
export type Refused = Extract<Decision, { allowed: false }>;

/**
 * Whether a HEAD that is refused is answered all the same: whoever pushes asks so what is here already, and takes 403 for a
 * failure. No byte leaves by it; of what is blocked nothing is told.
 */
export function isForPushing(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { blocked, tagOnly }: Refused,
): boolean {
  return blocked !== true && tagOnly !== true && mayPush(service, exchange, repository);
}

/** Whether the caller may push to a repository. */
export function mayPush(
  { access, parts }: Service,
  { caller }: Exchange,
  repository: ServedRepository,
): boolean {
  return access.allows(caller, nameForRights(parts, repository), "push");
}

/** When a client may ask again for what could not be decided, in seconds. */
const retryAfter = "5";

/**
 * The answer to a request for what is refused, or cannot be decided: the reason for people, and the id under which the
 * server explains it.
 */
export function refusalAnswer(
  exchange: Exchange,
  { id, status, reason }: Refused,
): RegistryAnswerError {
  exchange.notes.decision = id;
  const told = { status, detail: { decision: id } };
  const headers = {
    "X-Policy-Decision": printable(id),
    // HEAD has no content for the reason. Beside content it would be printed twice.
    ...(exchange.head && { Warning: `299 - ${quoted(reason)}` }),
  };
  if (status === 403) return new RegistryAnswerError("DENIED", reason, { ...told, headers });
  return new RegistryAnswerError("UNAVAILABLE", reason, {
    ...told,
    headers: { ...headers, "Retry-After": retryAfter },
    retryable: true,
  });
}

/** A quoted string of a header: RFC 9110 § 5.6.4, with nothing that could end the line. */
export function quoted(text: string): string {
  return `"${printable(text).replaceAll(/["\\]/g, "\\$&").slice(0, 1024)}"`;
}

function printable(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?");
}
