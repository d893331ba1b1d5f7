import type { Action, Credentials } from "../access.ts";
import { scopeWords } from "./grants.ts";

/** Makes the `WWW-Authenticate` header. */
export type Challenge = (
  repository: string,
  actions: readonly Action[],
  request?: Credentials,
  source?: string,
) => string;

/** What challenges say. */
export interface ChallengeParts {
  readonly realm: string;
  /** What the server is called where a request does not say. */
  readonly name: string;
  /** Absent: a password is asked for (RFC 7617). */
  readonly tokens?: { readonly service: string; readonly url: string | undefined };
}

/**
 * A Bearer challenge names the token service, and the scope that would do: clients ask it for just that — docs.docker.com,
 * "Token authentication specification".
 */
export function createChallenges({ realm, name, tokens }: ChallengeParts): Challenge {
  if (!tokens) return () => `Basic realm="${realm}", charset="UTF-8"`;
  return (repository, actions, request, source = "") => {
    const place = tokens.url ?? `${originOf(request, name)}/token`;
    const scopes = [scopeOf(repository, actions), source && scopeOf(source, ["pull"])];
    const scope = scopes.filter((one) => one !== "").join(" ");
    return `Bearer realm="${place}",service="${tokens.service}"${scope && `,scope="${scope}"`}`;
  };
}

function scopeOf(repository: string, actions: readonly Action[]): string {
  const words = [...new Set(actions.map((action) => scopeWords[action]))].join(",");
  if (repository === "" && words === "pull") return "registry:catalog:*";
  if (repository === "") return /^(?:admin|jobs)/.test(words) ? `registry:api:${words}` : "";
  return words === "" ? "" : `repository:${repository}:${words}`;
}

/** As the client has it: behind which names we are reached only it knows. What is no host's name is not given back. */
function originOf(request: Credentials | undefined, name: string): string {
  const host = request?.headers.host ?? "";
  const scheme = request?.secure ? "https" : "http";
  const isHost = /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.test(host);
  return `${scheme}://${isHost ? host : name}`;
}
