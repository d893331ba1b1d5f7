import type { TokenIssuer } from "../token-issuer.ts";
import { type Exchange, requestHeader } from "./exchange.ts";
import type { Operation } from "./operation.ts";
import { errorReply, type Reply } from "./reply.ts";

/** Who may do what at a registry. */
export type Access =
  | { readonly kind: "open" }
  | {
      readonly kind: "basic";
      readonly users: Readonly<Record<string, string>>;
      /** How the scheme is spelled in the challenge. */
      readonly scheme?: string;
    }
  | {
      readonly kind: "bearer";
      readonly issuer: TokenIssuer;
      readonly realm: string;
      readonly service?: string;
      /** Challenges come from `/v2/` only, elsewhere a bare 401 (GCR). */
      readonly challengeOnPingOnly?: boolean;
    };

/** A 401 or 403 if the request may not pass. */
export function checkAccess(access: Access, exchange: Exchange): Reply | undefined {
  if (access.kind === "open") return undefined;
  return access.kind === "basic" ? checkBasic(access, exchange) : checkBearer(access, exchange);
}

function checkBasic(access: Access & { kind: "basic" }, exchange: Exchange): Reply | undefined {
  if (userOf(requestHeader(exchange, "authorization"), access.users)) return undefined;
  const challenge = `${access.scheme ?? "Basic"} realm="amphora test"`;
  return unauthorized({ "www-authenticate": challenge });
}

/** The user that a Basic header proves. */
export function userOf(
  header: string,
  users: Readonly<Record<string, string>>,
): string | undefined {
  const encoded = /^Basic (.+)$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, "base64").toString();
  const user = pair.slice(0, pair.indexOf(":"));
  return Object.hasOwn(users, user) && users[user] === pair.slice(pair.indexOf(":") + 1)
    ? user
    : undefined;
}

function checkBearer(access: Access & { kind: "bearer" }, exchange: Exchange): Reply | undefined {
  const needed = scopesOf(exchange.operation);
  const token = /^Bearer (.+)$/i.exec(requestHeader(exchange, "authorization"))?.[1];
  const state = token === undefined ? "none" : access.issuer.check(token, needed);
  if (state === "good") return undefined;
  if (access.challengeOnPingOnly && exchange.operation.kind !== "ping") return unauthorized({});
  const errors = { none: "", expired: "invalid_token", narrow: "insufficient_scope" };
  const parts = [
    `realm="${access.realm}"`,
    `service="${access.service ?? "amphora"}"`,
    ...(needed.length > 0 ? [`scope="${needed.join(" ")}"`] : []),
    ...(errors[state] ? [`error="${errors[state]}"`] : []),
  ];
  return unauthorized({ "www-authenticate": `Bearer ${parts.join(",")}` });
}

function unauthorized(headers: Record<string, string>): Reply {
  return errorReply(401, "UNAUTHORIZED", "authentication required", headers);
}

/** The scopes an operation needs — distribution, token scope documentation. */
export function scopesOf(operation: Operation): string[] {
  if (operation.kind === "ping" || operation.kind === "other") return [];
  if (operation.kind === "catalog") return ["registry:catalog:*"];
  const from = operation.url.searchParams.get("from");
  const own = `repository:${operation.repository}:${actionsOf(operation.method)}`;
  return from === null || operation.kind !== "uploads" ? [own] : [own, `repository:${from}:pull`];
}

function actionsOf(method: string): string {
  if (method === "GET" || method === "HEAD") return "pull";
  return method === "DELETE" ? "delete" : "pull,push";
}
