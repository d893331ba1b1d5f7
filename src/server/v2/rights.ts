import type { Access, Action } from "../access.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { Exchange } from "./exchange.ts";

/** What the scopes of clients say for an action: who pushes pulls as well. */
const scopes: Readonly<Record<Action, readonly Action[]>> = {
  pull: ["pull"],
  push: ["pull", "push"],
  overwrite: ["pull", "push", "overwrite"],
  delete: ["delete"],
  sign: ["sign"],
  admin: ["admin"],
};

/**
 * Goes on where the caller may do this.
 *
 * @throws {RegistryAnswerError} 401 with a challenge for nobody in particular, 403 DENIED for somebody
 */
export function demand(
  access: Access,
  exchange: Exchange,
  repository: ServedRepository,
  action: Action,
): void {
  if (access.allows(exchange.caller, repository.requested, action)) return;
  throw refusal(access, exchange, repository.requested, action);
}

/** Of the server itself: whoever nobody in particular is allowed nothing is asked who they are. */
export function demandSomebody(access: Access, exchange: Exchange): void {
  if (access.anonymous || exchange.caller.user !== undefined) return;
  throw unauthorized(access.challenge("", [], exchange.credentials));
}

function refusal(
  access: Access,
  exchange: Exchange,
  name: string,
  action: Action,
): RegistryAnswerError {
  if (exchange.caller.user === undefined)
    return unauthorized(access.challenge(name, scopes[action], exchange.credentials));
  return new RegistryAnswerError("DENIED", "requested access to the resource is denied", {
    status: 403,
  });
}

function unauthorized(challenge: string): RegistryAnswerError {
  return new RegistryAnswerError("UNAUTHORIZED", "authentication required", {
    status: 401,
    headers: { "WWW-Authenticate": challenge },
  });
}
