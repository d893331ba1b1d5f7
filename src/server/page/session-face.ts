import type { FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";
import type { Access, Action } from "../access.ts";
import { isSameSite } from "../same-site.ts";
import { credentialsOf } from "../shell/credentials-of.ts";
import type { Face } from "../shell/faces.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { cookieName, tokenIn } from "./session-access.ts";
import type { Sessions } from "./sessions.ts";

/** What logging in works with. */
export interface SessionFaceParts {
  /** With sessions. */
  readonly access: Access;
  readonly sessions: Sessions;
  /** The server's, for people. */
  readonly name: string;
  readonly version: string;
}

const loginSchema = z
  .strictObject({
    user: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^:\p{Cc}]+$/u, { error: "expected a name" }),
    password: z.string().min(1).max(4096),
  })
  .meta({ id: "Login" });

const sessionSchema = z
  .strictObject({
    user: z.string().nullable(),
    rights: z.strictObject({ jobs: z.boolean(), admin: z.boolean() }),
    login: z.boolean().meta({ description: "Whether there are users who could log in" }),
    server: z.strictObject({ name: z.string(), version: z.string() }),
  })
  .meta({ id: "Session" });

const url = "/api/v1/session";

/** `/api/v1/session`: who asks and what they may do, logging in for the page, logging out. */
export function sessionFace(parts: SessionFaceParts): Face {
  const { sessions } = parts;
  const answers = { 200: { is: "Who you are", body: sessionSchema } };
  return (app) => {
    app.get(
      url,
      {
        config: {
          operation: "session",
          api: { summary: "Who asks, and what they may do", answers },
        },
      },
      async (request) => present(parts, request),
    );
    app.post(
      url,
      {
        bodyLimit: 16 * 1024,
        config: {
          open: true,
          operation: "session",
          api: {
            summary: "Logs in with a password; a cookie tells from then on who asks",
            body: loginSchema,
            answers: { ...answers, 401: { is: "Not with this password" } },
          },
        },
      },
      async (request, reply) => {
        ownPageOnly(request);
        await login(parts, request, reply);
        return present(parts, request);
      },
    );
    app.delete(
      url,
      {
        config: {
          open: true,
          operation: "session",
          api: { summary: "Logs out", answers: { 204: { is: "Logged out" } } },
        },
      },
      async (request, reply) => {
        ownPageOnly(request);
        const { headers, secure = false } = credentialsOf(request.raw);
        const token = tokenIn(headers, secure);
        if (token !== undefined) sessions.end(token);
        return await reply
          .header("Set-Cookie", cookie("", secure, 0))
          .code(204)
          .send();
      },
    );
  };
}

async function login(
  { access, sessions }: SessionFaceParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const said = loginSchema.safeParse(request.body);
  if (!said.success)
    throw new RegistryAnswerError("UNSUPPORTED", "expected a user and a password", {
      status: 400,
    });
  const { user, password } = said.data;
  const { address, secure = false } = credentialsOf(request.raw);
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const caller = await access
    .identify({ headers: { authorization }, address, secure })
    .catch((error: unknown) => {
      throw withoutChallenge(error);
    });
  const secret = access.secretOf?.(user);
  if (caller.user !== user || secret === undefined) throw refused();
  reply.header("Set-Cookie", cookie(sessions.begin(user, secret), secure));
  request.caller = caller;
}

function present({ access, name, version }: SessionFaceParts, { caller }: FastifyRequest) {
  const may = (action: Action) => access.allows(caller, "", action);
  return {
    user: caller.user ?? null,
    rights: { jobs: may("jobs"), admin: may("admin") },
    login: access.secretOf !== undefined,
    server: { name, version },
  };
}

function ownPageOnly({ raw }: FastifyRequest): void {
  if (isSameSite(raw.headers)) return;
  throw new RegistryAnswerError("DENIED", "a page of another site may not do this", {
    status: 403,
  });
}

function refused(): RegistryAnswerError {
  return new RegistryAnswerError("UNAUTHORIZED", "user or password is wrong", {
    status: 401,
    headers: { "WWW-Authenticate": 'Session realm="amphora"' },
  });
}

/** Browsers would ask for a password by themselves. */
function withoutChallenge(error: unknown): unknown {
  return error instanceof RegistryAnswerError && error.status === 401 ? refused() : error;
}

function cookie(token: string, secure: boolean, maxAge?: number): string {
  const age = maxAge === undefined ? "" : `; Max-Age=${maxAge}`;
  return `${cookieName(secure)}=${token}; Path=/; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}${age}`;
}
