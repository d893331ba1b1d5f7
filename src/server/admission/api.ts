import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Access } from "../access.ts";
import type { AuditLog } from "../audit.ts";
import type { Caller } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import { credentialsOf } from "../shell/credentials-of.ts";
import { demandRight } from "../shell/demand-right.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import * as schemas from "./api-schemas.ts";
import type { NewBlock } from "./block-list.ts";
import type { ServerAdmission } from "./create-admission.ts";
import type { KeptDecision } from "./decision-log.ts";
import { explainDecision, presentDecision } from "./present-decision.ts";

/** What the API of admission stands on. */
export interface AdmissionApiParts {
  readonly admission: ServerAdmission;
  readonly access: Access;
  readonly audit?: AuditLog;
  callerOf(request: FastifyRequest): Caller;
  /** Those that repositories are of here; absent: any may be. */
  readonly domains?: readonly string[];
  /** Of others, whether jobs may copy from there. */
  mayBeCopied?(domain: string): boolean;
  /** What rules call a repository; by default the path of one kept here, and `domain/path` of another. */
  nameForRights?(repository: ServedRepository): string;
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** A route, and what the API's description says of it. */
interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  /** Whom it is for; undefined: the handler finds out. */
  readonly right?: "admin";
  readonly api: {
    readonly summary: string;
    readonly params?: z.core.$ZodType;
    readonly query?: z.core.$ZodType;
    readonly body?: z.core.$ZodType;
    readonly answers: Readonly<
      Record<number, { readonly is: string; readonly body?: z.core.$ZodType }>
    >;
  };
  readonly handle: Handler;
}

const decisionsUrl = "/api/v1/decisions";
const blockedUrl = "/api/v1/blocked";

/**
 * Explains decisions, keeps the block list, lets tags go back: `/api/v1/decisions`, `/api/v1/blocked`, `/api/v1/tags`. A
 * decision may be read by whoever may pull the repository it is about; all else is for administrators.
 */
export function admissionApi(parts: AdmissionApiParts): (app: FastifyInstance) => void {
  const routes = [...decisionRoutes(parts), ...blockRoutes(parts), ...tagRoutes(parts)];
  return (app) => {
    for (const { method, url, right, api, handle } of routes) {
      // The application asks for the right, too, where it knows these settings.
      const config: object = { operation: "api", api, ...(right && { right }) };
      app.route({
        method,
        url,
        config,
        handler: async (request, reply) => {
          if (right)
            demandRight(parts.access, parts.callerOf(request), right, credentialsOf(request.raw));
          return await handle(request, reply);
        },
      });
    }
  };
}

function decisionRoutes(parts: AdmissionApiParts): readonly Route[] {
  const { admission, access, callerOf } = parts;
  return [
    {
      method: "GET",
      url: decisionsUrl,
      right: "admin",
      api: {
        summary: "The last decisions, newest first",
        query: schemas.decisionsQuery,
        answers: { 200: { is: "Decisions without their verdicts", body: schemas.decisionsSchema } },
      },
      handle(request) {
        const { since, ...filter } = parsed(schemas.decisionsQuery, request.query);
        const found = admission.decisions.list({
          limit: filter.limit,
          ...(filter.repository !== undefined && { repository: filter.repository }),
          ...(filter.allowed !== undefined && { allowed: filter.allowed }),
          ...(since !== undefined && { sinceMs: since }),
        });
        return { decisions: found.map(summaryOf) };
      },
    },
    {
      method: "GET",
      url: `${decisionsUrl}/:id`,
      api: {
        summary:
          "Why an image was let go or refused; as text where text/plain is accepted before JSON",
        params: schemas.idParams,
        answers: {
          200: { is: "The decision with each verdict", body: schemas.decisionSchema },
          404: { is: "There is none any more, or not for you", body: schemas.errorSchema },
        },
      },
      handle(request, reply) {
        const { id } = parsed(schemas.idParams, request.params);
        const caller = callerOf(request);
        const decision = admission.decisions.get(id);
        if (!decision || !mayRead(parts, caller, decision)) throw notFound("no such decision");
        const showDetails = access.allows(caller, "", "admin");
        const discretion = { showDetails, files: filesOf(decision) };
        reply.header("Cache-Control", "private, no-store");
        if (!wantsText(request)) return presentDecision(decision, discretion);
        reply.type("text/plain; charset=utf-8");
        return explainDecision(decision, discretion);
      },
    },
  ];
}

function blockRoutes(parts: AdmissionApiParts): readonly Route[] {
  const { admission, callerOf } = parts;
  const lift = (by: Parameters<typeof admission.blocks.remove>[0], request: FastifyRequest) => {
    const lifted = admission.blocks.remove(by);
    if (lifted.length === 0) throw notFound("nothing of that kind is blocked");
    for (const { digest, repository, reason } of lifted) {
      noteBlock(parts, request, "unblocked", { digest, repository, reason });
    }
    return { blocked: lifted };
  };
  return [
    {
      method: "GET",
      url: blockedUrl,
      right: "admin",
      api: {
        summary: "What is blocked",
        answers: { 200: { is: "All blocks", body: schemas.blocksSchema } },
      },
      handle: () => ({ blocked: admission.blocks.list() }),
    },
    {
      method: "POST",
      url: blockedUrl,
      right: "admin",
      api: {
        summary:
          "Blocks a digest or repositories at once, whatever the policy says, and stops what is being sent",
        body: schemas.newBlockSchema,
        answers: {
          201: { is: "The block", body: schemas.blockSchema },
          400: {
            is: "Not one of the two, no reason, or a pattern of no domain that is served here",
            body: schemas.errorSchema,
          },
        },
      },
      handle(request, reply) {
        const body = parsed(schemas.newBlockSchema, request.body) as NewBlock;
        if ("repository" in body) refuseStrange(body.repository, parts);
        const { user } = callerOf(request);
        const block = admission.blocks.add({ ...body, ...(user !== undefined && { by: user }) });
        noteBlock(parts, request, "blocked", block);
        reply.code(201);
        return block;
      },
    },
    {
      method: "DELETE",
      url: blockedUrl,
      right: "admin",
      api: {
        summary: "Lifts the blocks of a digest or of a pattern",
        query: schemas.blockQuery,
        answers: { 200: { is: "What was lifted", body: schemas.blocksSchema } },
      },
      handle: (request) => lift(parsed(schemas.blockQuery, request.query), request),
    },
    {
      method: "DELETE",
      url: `${blockedUrl}/:id`,
      right: "admin",
      api: {
        summary: "Lifts a block",
        params: schemas.idParams,
        answers: { 200: { is: "What was lifted", body: schemas.blocksSchema } },
      },
      handle: (request) => lift(parsed(schemas.idParams, request.params), request),
    },
  ];
}

/** A block that would keep nothing in is worse than none: whoever made it looks no further. */
function refuseStrange(
  pattern: string,
  { domains, mayBeCopied }: Pick<AdmissionApiParts, "domains" | "mayBeCopied">,
): void {
  const [first = ""] = pattern.split("/");
  if (!domains || first.includes("*") || domains.includes(first) || mayBeCopied?.(first)) return;
  const message = `no repository here is of ${first}: patterns begin with ${domains.join(", ")}, or *`;
  throw new RegistryAnswerError("UNSUPPORTED", message, { status: 400 });
}

function tagRoutes({ admission, audit, callerOf }: AdmissionApiParts): readonly Route[] {
  return [
    {
      method: "DELETE",
      url: "/api/v1/tags/*",
      right: "admin",
      api: {
        summary:
          "Forgets what a tag (/api/v1/tags/DOMAIN/PATH:TAG) or all of a repository stood for, so that it may go back once",
        answers: {
          204: { is: "Forgotten" },
          404: { is: "Nothing was known", body: schemas.errorSchema },
        },
      },
      handle(request, reply) {
        const text = String((request.params as Readonly<Record<string, unknown>>)["*"]);
        const [, name = "", tag] = /^(.+?)(?::([\w][\w.-]{0,127}))?$/.exec(text) ?? [];
        // `localhost:5000/app` ends in no tag: the colon of a port has a slash behind it.
        if (!admission.tags.forget(name, tag)) throw notFound("nothing is known of that tag");
        const { user, address } = callerOf(request);
        audit?.note({
          type: "unblocked",
          repository: name,
          address,
          ...(user !== undefined && { user }),
          ...(tag !== undefined && { reference: tag }),
          detail: "may go back",
        });
        reply.code(204);
        return reply.send();
      },
    },
  ];
}

function noteBlock(
  { audit, callerOf }: AdmissionApiParts,
  request: FastifyRequest,
  type: "blocked" | "unblocked",
  {
    digest,
    repository,
    reason,
  }: { digest?: string | undefined; repository?: string | undefined; reason: string },
): void {
  const { user, address } = callerOf(request);
  audit?.note({
    type,
    address,
    detail: reason,
    ...(user !== undefined && { user }),
    ...(digest !== undefined && { digest }),
    ...(repository !== undefined && { repository }),
  });
}

function mayRead(
  { access, nameForRights = usualName }: AdmissionApiParts,
  caller: Caller,
  { served }: KeptDecision,
): boolean {
  return access.allows(caller, nameForRights(served), "pull") || access.allows(caller, "", "admin");
}

function usualName(repository: ServedRepository): string {
  return repository.upstream === undefined ? repository.path : servedName(repository);
}

function summaryOf(decision: KeptDecision): object {
  const { images: _, ...rest } = presentDecision(decision, { showDetails: true, files: [] }) as {
    images: unknown;
  };
  return rest;
}

/** Those that the decision itself names. */
function filesOf({ policy, images }: KeptDecision): readonly string[] {
  const keys = images.flatMap(({ verdict }) => keysOf(verdict));
  return [...(policy ? [policy.path] : []), ...keys];
}

function keysOf(verdict: object | undefined): readonly string[] {
  const steps: unknown = verdict && "steps" in verdict ? verdict.steps : [];
  if (!Array.isArray(steps)) return [];
  return steps.flatMap((step: { data?: { keys?: unknown } }) => {
    const keys = step.data?.keys;
    return Array.isArray(keys)
      ? keys.filter((key) => typeof key === "string" && key.includes("/"))
      : [];
  });
}

function wantsText({ headers, query }: FastifyRequest): boolean {
  if ((query as Readonly<Record<string, unknown>>)["format"] === "text") return true;
  const [first = ""] = (headers.accept ?? "").split(",", 1);
  return first.trim().startsWith("text/plain");
}

function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join(".");
  const message = `${where ? `${where}: ` : ""}${issue?.message ?? "bad request"}`;
  throw new RegistryAnswerError("UNSUPPORTED", message, { status: 400 });
}

function notFound(message: string): RegistryAnswerError {
  return new RegistryAnswerError("UNKNOWN", message, { status: 404 });
}
