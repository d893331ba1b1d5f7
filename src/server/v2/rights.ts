import type { Access, Action } from "../access.ts";
import type { Caller } from "../caller.ts";
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
 * Goes on where the caller may do this. `source` is what is to be pulled from besides: who is asked for a token is told that
 * it is to say so.
 *
 * @throws {RegistryAnswerError} 401 with a challenge for nobody in particular, and for somebody whose token does not say that
 *   they may; 403 DENIED for somebody who may not
 */
export function demand(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  action: Action,
  source?: ServedRepository,
): void {
  const { access, parts } = service;
  const { caller, credentials } = exchange;
  const name = nameForRights(parts, repository);
  if (access.allows(caller, name, action)) return;
  const from = source && nameForRights(parts, source);
  const challenge = access.challenge(name, scopes[action], credentials, from);
  throw refusalOf(access, caller, { name, action, challenge });
}

/** What somebody may not do, and how they are told. */
export interface Refused {
  /** The repository as in {@link nameForRights}; "" for the server itself. */
  readonly name: string;
  readonly action: Action;
  readonly challenge: string;
  /** Of the 403; by default docker-registry's. */
  readonly message?: string;
}

/** What whoever may not do this is answered: {@link demand}. */
export function refusalOf(
  access: Pick<Access, "wouldAllow">,
  caller: Caller,
  { name, action, challenge, message = usualDenial }: Refused,
): RegistryAnswerError {
  const detail = scopes[action].map((one) => wanted(name, one));
  if (caller.user === undefined) return unauthorized(challenge, detail);
  if (access.wouldAllow?.(caller, name, action)) return insufficient(challenge, detail);
  return new RegistryAnswerError("DENIED", message, { status: 403, detail });
}

/**
 * Goes on but where it is only the caller's token that does not say that they may pull from the source of a mount.
 *
 * @throws {RegistryAnswerError} 401 with a challenge for all that it takes
 */
export function demandSource(
  { access, parts }: Service,
  { caller, credentials }: Exchange,
  repository: ServedRepository,
  source: ServedRepository,
): void {
  const from = nameForRights(parts, source);
  if (access.allows(caller, from, "pull") || !access.wouldAllow?.(caller, from, "pull")) return;
  const name = nameForRights(parts, repository);
  throw insufficient(access.challenge(name, scopes.push, credentials, from), [
    wanted(from, "pull"),
  ]);
}

/**
 * Of the server itself: where nobody in particular is allowed anything they are asked who they are. Bearers of a token for
 * nobody in particular have been asked already.
 */
export function demandSomebody(
  { access }: Service,
  exchange: Exchange,
  actions: readonly Action[] = [],
): void {
  if (access.anonymous || exchange.caller.user !== undefined) return;
  if (access.allows(exchange.caller, "", "pull")) return;
  throw unauthorized(access.challenge("", actions, exchange.credentials), [wantedCatalog]);
}

/**
 * By whose rights the catalog is to be made for the caller.
 *
 * @throws {RegistryAnswerError} 401 with a challenge
 */
export function demandLister(service: Service, exchange: Exchange): Caller {
  demandSomebody(service, exchange, ["pull"]);
  const { access } = service;
  const { caller, credentials } = exchange;
  const lister = access.whoLists ? access.whoLists(caller) : caller;
  if (lister) return lister;
  throw insufficient(access.challenge("", ["pull"], credentials), [wantedCatalog]);
}

/** RFC 6750 § 3.1; as in distribution with 401, which clients ask for another token at. */
function insufficient(challenge: string, detail: unknown): RegistryAnswerError {
  return unauthorized(`${challenge},error="insufficient_scope"`, detail);
}

const usualDenial = "requested access to the resource is denied";
const wantedCatalog = { Type: "registry", Class: "", Name: "catalog", Action: "*" };

/** As docker-registry says it. Of an error without detail clients in Go show the code, and not the message. */
function wanted(name: string, action: Action) {
  if (name === "") return { Type: "registry", Class: "", Name: "api", Action: action };
  return { Type: "repository", Class: "", Name: name, Action: action };
}

function unauthorized(challenge: string, detail: unknown): RegistryAnswerError {
  return new RegistryAnswerError("UNAUTHORIZED", "authentication required", {
    status: 401,
    headers: { "WWW-Authenticate": challenge },
    detail,
  });
}
