import type { FastifyReply, FastifyRequest } from "fastify";
import type { Action } from "../access.ts";
import { credentialsOf } from "../shell/credentials-of.ts";
import type { Face } from "../shell/faces.ts";
import { type Grant, parseScopes, scopeWords } from "./grants.ts";
import type { Identify } from "./identify.ts";
import { KnownCaller } from "./known-caller.ts";
import type { Rules } from "./rules.ts";
import { secretMark, type Tokens } from "./tokens.ts";

/** What the token service works with. */
export interface TokenFaceParts {
  readonly tokens: Tokens;
  /** By password; not by a token, which would live for ever so. */
  readonly identify: Identify;
  readonly allows: Rules;
  /** What a user is known by now; undefined: there is none such. */
  secretOf(user: string): string | undefined;
  readonly service: string;
}

const maxFormBytes = 64 * 1024;

/**
 * `/token`: GET as Docker's token authentication, POST as OAuth 2's password and refresh grants — docs.docker.com, "Token
 * authentication specification" and "OAuth2 token authentication".
 */
export function tokenFace(parts: TokenFaceParts): Face {
  return (app) => {
    app.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string", bodyLimit: maxFormBytes },
      async (_request: FastifyRequest, body: string | Buffer) => new URLSearchParams(String(body)),
    );
    const config = { open: true, operation: "token" };
    app.get("/token", { config }, async (request, reply) => {
      const query = new URL(request.url, "http://x").searchParams;
      const caller = await parts.identify(withoutBearer(request));
      const isOffline = query.get("offline_token") === "true";
      return await answer(parts, reply, { caller, asked: query.getAll("scope"), isOffline });
    });
    app.post("/token", { config }, async (request, reply) => {
      const form = request.body;
      if (!(form instanceof URLSearchParams))
        throw badGrant("invalid_request", "a form is expected");
      const caller = await grantedTo(parts, request, form);
      const isOffline = form.get("access_type") === "offline";
      return await answer(parts, reply, { caller, asked: form.getAll("scope"), isOffline });
    });
    app.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof BadGrant)) throw error;
      const { status, error: code, message } = error;
      return reply.code(status).send({ error: code, error_description: message });
    });
  };
}

/** As OAuth 2 says it — RFC 6749 § 5.2. */
class BadGrant extends Error {
  readonly status: number;
  readonly error: string;

  constructor(status: number, error: string, message: string) {
    super(message);
    this.status = status;
    this.error = error;
  }
}

function badGrant(error: string, message: string, status = 400): BadGrant {
  return new BadGrant(status, error, message);
}

function withoutBearer(request: FastifyRequest) {
  const credentials = credentialsOf(request.raw);
  const { authorization, ...headers } = credentials.headers;
  if (!/^bearer /i.test(authorization ?? "")) return credentials;
  return { ...credentials, headers };
}

async function grantedTo(
  { identify, tokens, secretOf }: TokenFaceParts,
  request: FastifyRequest,
  form: URLSearchParams,
): Promise<KnownCaller> {
  const credentials = credentialsOf(request.raw);
  switch (form.get("grant_type")) {
    case "password": {
      const login = `${form.get("username") ?? ""}:${form.get("password") ?? ""}`;
      const authorization = `Basic ${Buffer.from(login).toString("base64")}`;
      return await identify({ ...credentials, headers: { ...credentials.headers, authorization } });
    }
    case "refresh_token": {
      const claims = await tokens.readRefresh(form.get("refresh_token") ?? "");
      const secret = claims && secretOf(claims.user);
      if (claims && secret !== undefined && secretMark(secret) === claims.secretMark)
        return new KnownCaller(claims.user, credentials.address);
      throw badGrant("invalid_grant", "the refresh token is not good any more", 401);
    }
    default:
      throw badGrant("unsupported_grant_type", "password and refresh_token are supported");
  }
}

interface Asked {
  readonly caller: KnownCaller;
  readonly asked: readonly string[];
  readonly isOffline: boolean;
}

async function answer(
  parts: TokenFaceParts,
  reply: FastifyReply,
  { caller, asked, isOffline }: Asked,
): Promise<FastifyReply> {
  const grants = parseScopes(asked).map((scope) => granted(parts.allows, caller, scope));
  const access = grants.filter(({ actions }) => actions.length > 0);
  const { token, lifetimeMs, issuedAt } = await parts.tokens.issue(caller.user, access);
  const secret = caller.user === undefined ? undefined : parts.secretOf(caller.user);
  const refresh =
    isOffline && caller.user !== undefined && secret !== undefined
      ? await parts.tokens.issueRefresh(caller.user, secret)
      : undefined;
  return reply.header("Cache-Control", "no-store").send({
    token,
    access_token: token,
    expires_in: Math.floor(lifetimeMs / 1000),
    issued_at: issuedAt.toISOString().replace(".000Z", "Z"),
    scope: access
      .map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`)
      .join(" "),
    ...(refresh !== undefined && { refresh_token: refresh }),
  });
}

const actionsOf: Readonly<Record<string, readonly Action[]>> = {
  pull: ["pull"],
  push: ["push", "overwrite", "sign"],
  delete: ["delete"],
  jobs: ["jobs"],
  admin: ["admin"],
};

/** Of what was asked, what the rules give: no more, and an empty grant is no error. */
function granted(allows: Rules, caller: KnownCaller, { type, name, actions }: Grant): Grant {
  // Whoever they are: of the names they are shown those that they may pull.
  if (type === "registry" && name === "catalog") return { type, name, actions: ["*"] };
  const repository = type === "registry" ? "" : name;
  const known = type === "repository" || (type === "registry" && name === "api");
  const asked = actions.includes("*") ? Object.keys(actionsOf) : actions;
  const may = (word: string) =>
    (actionsOf[word] ?? []).some(
      (action) => scopeWords[action] === word && allows(caller, repository, action),
    );
  return { type, name, actions: known ? [...new Set(asked)].filter(may) : [] };
}
