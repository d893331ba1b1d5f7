import type { Action } from "../access.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { Exchange } from "./exchange.ts";
import type { V2Parts } from "./parts.ts";
import type { Service } from "./service.ts";

/** What the scopes of clients say for an action: who pushes pulls as well. */
const scopes: Readonly<Record<Action, readonly Action[]>> = {
  pull: ["pull"],
  push: ["pull", "push"],
  overwrite: ["pull", "push", "overwrite"],
  delete: ["delete"],
  sign: ["sign"],
  jobs: ["jobs"],
  admin: ["admin"],
};

/**
 * What a repository is called where rights are judged: the path behind `/v2/`. Where it is only by `ns` or by the server's
 * name that this path means this repository, it is the path that means it always, `domain/path`: a right to `team/app`
 * here is none to an upstream's `team/app`.
 */
export function nameForRights(parts: Pick<V2Parts, "route">, repository: ServedRepository): string {
  const { requested } = repository;
  const plain = parts.route({ path: requested, namespace: undefined, host: undefined });
  if (plain instanceof RegistryAnswerError) return servedName(repository);
  return servedName(plain) === servedName(repository) ? requested : servedName(repository);
}

/**
 * Goes on where the caller may do this.
 *
 * @throws {RegistryAnswerError} 401 with a challenge for nobody in particular, 403 DENIED for somebody
 */
export function demand(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  action: Action,
): void {
  const name = nameForRights(service.parts, repository);
  if (service.access.allows(exchange.caller, name, action)) return;
  throw refusal(service, exchange, name, action);
}

/**
 * Of the server itself: where nobody in particular is allowed anything they are asked who they are. Bearers of a token for
 * nobody in particular have been asked already.
 */
export function demandSomebody({ access }: Service, exchange: Exchange): void {
  if (access.anonymous || exchange.caller.user !== undefined) return;
  if (access.allows(exchange.caller, "", "pull")) return;
  const detail = [{ Type: "registry", Class: "", Name: "catalog", Action: "*" }];
  throw unauthorized(access.challenge("", [], exchange.credentials), detail);
}

function refusal(
  { access }: Service,
  { caller, credentials }: Exchange,
  name: string,
  action: Action,
): RegistryAnswerError {
  const detail = scopes[action].map((one) => wanted(name, one));
  if (caller.user === undefined) {
    return unauthorized(access.challenge(name, scopes[action], credentials), detail);
  }
  const message = "requested access to the resource is denied";
  return new RegistryAnswerError("DENIED", message, { status: 403, detail });
}

/** As docker-registry says it. Of an error without detail clients in Go show the code, and not the message. */
function wanted(name: string, action: Action) {
  return { Type: "repository", Class: "", Name: name, Action: action };
}

function unauthorized(challenge: string, detail: unknown): RegistryAnswerError {
  return new RegistryAnswerError("UNAUTHORIZED", "authentication required", {
    status: 401,
    headers: { "WWW-Authenticate": challenge },
    detail,
  });
}
