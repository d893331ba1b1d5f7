import type { FastifyReply, FastifyRequest } from "fastify";
import { ContentError, KnownError } from "../../core/errors.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { Access, Action } from "../access.ts";
import type { AuditLog } from "../audit.ts";
import type { Caller } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import { credentialsOf } from "../shell/credentials-of.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { nameForRights, refusalOf } from "../v2/rights.ts";
import type { SignaturesService } from "./create-served-signatures.ts";
import type { RouteRepository } from "./route.ts";

/** What every face of the store is made with. */
export interface FaceParts {
  readonly signatures: SignaturesService;
  readonly route: RouteRepository;
  /** This server's own: repositories without an upstream are called `domain/path`. */
  readonly domain: string;
  /** Absent: everybody may read, nobody may write. */
  readonly access?: Access;
  readonly audit?: AuditLog;
  /** Told why something could not be read or kept: clients are not. */
  readonly report?: Report;
}

/** What a client needs to be told of: who adds signatures reads what is there first. */
const scopes: Readonly<Record<"pull" | "sign", readonly Action[]>> = {
  pull: ["pull"],
  sign: ["pull", "sign"],
};

/** @throws {RegistryAnswerError} 401 with a challenge for nobody in particular, 403 for somebody */
export async function authorise(
  { access, route }: FaceParts,
  request: FastifyRequest,
  repository: ServedRepository,
  action: "pull" | "sign",
): Promise<Caller> {
  const credentials = credentialsOf(request.raw);
  if (!access) {
    if (action !== "pull") throw denied();
    return { user: undefined, address: credentials.address };
  }
  const caller = request.caller ?? (await access.identify(credentials));
  const name = nameForRights({ route }, repository);
  if (access.allows(caller, name, action)) return caller;
  const challenge = access.challenge(name, scopes[action], credentials);
  throw refusalOf(access, caller, { name, action, challenge });
}

function denied(): RegistryAnswerError {
  const message = "requested access to the resource is denied";
  return new RegistryAnswerError("DENIED", message, { status: 403 });
}

/** Aborts when the client goes away. */
export function clientSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once("close", () => gone.abort());
  return gone.signal;
}

/**
 * The whole body of a request.
 *
 * @throws {RegistryAnswerError} 413 SIZE_INVALID; before anything is read, where its length is told
 */
export async function readBody(request: FastifyRequest, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = new RegistryAnswerError(
    "SIZE_INVALID",
    `a body of more than ${maxBytes} bytes is not taken here`,
    { status: 413, headers: { connection: "close" } },
  );
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge;
  try {
    return await readBounded(request.raw, maxBytes, "body");
  } catch (error) {
    throw error instanceof ContentError && error.code === "content.too-large" ? tooLarge : error;
  }
}

/** The answer that a failure deserves; undefined for those that nobody foresaw. */
export function answerTo(error: unknown, isRead: boolean): RegistryAnswerError | undefined {
  if (error instanceof RegistryAnswerError) return error;
  if (!(error instanceof KnownError)) return undefined;
  if (!isRead && (error.code === "signature.malformed" || error instanceof ContentError)) {
    return new RegistryAnswerError("SIGNATURE_INVALID", error.message, { status: 422 });
  }
  if (!isRead && error.code === "signature.store-limit") {
    return new RegistryAnswerError("SIZE_INVALID", error.message, { status: 413 });
  }
  // Never 404 nor an empty list: whoever asks would take that for "unsigned".
  const message = isRead ? unreadable : "the signature cannot be kept now";
  const later = { status: 503, headers: { "retry-after": "5" }, cause: error };
  return new RegistryAnswerError("UNAVAILABLE", message, later);
}

/** What clients are told: addresses and files are for the log. */
export const unreadable = "signatures cannot be read now: not all of their sources could be asked";
