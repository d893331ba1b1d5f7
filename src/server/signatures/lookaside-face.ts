import type { FastifyReply, FastifyRequest } from "fastify";
import { parseEnvelope } from "../../../sigstore/envelope.ts";
import { maxSignatureBytes } from "../../../sigstore/lookaside/layout.ts";
import type { Caller } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { Face } from "../shell/faces.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { checkedEnvelope } from "./create-served-signatures.ts";
import { authorise, clientSignal, type FaceParts, readBody } from "./face.ts";
import { prepareFace, splitUrl } from "./face-plugin.ts";
import { type LookasidePath, parseLookasidePath } from "./lookaside-path.ts";
import {
  deleteSignature,
  putSignature,
  type WriteConditions,
  type WriteOutcome,
} from "./lookaside-writing.ts";
import { repositoryOfName } from "./route.ts";

/** What a look-aside is served with. */
export interface LookasideParts extends FaceParts {
  /** Where it begins: `/sigstore`; empty for a listener of its own. */
  readonly base: string;
  /** Whether everybody may read here, whatever their rights: clients send no credentials that are not in the URL. */
  readonly open?: boolean;
}

/**
 * Signatures as every client of look-asides reads them: `<base>/[<domain>/]<path>@<algorithm>=<hex>/signature-<N>`, where 404
 * ends the list — `specs/signing.md` 3.2. Who has the right to sign may PUT the next one, and DELETE any.
 */
export function lookasideFace(parts: LookasideParts): Face {
  return (scope) => {
    prepareFace(scope, parts);
    const answers = { GET: give, HEAD: give, PUT: put, DELETE: remove };
    for (const [method, answer] of Object.entries(answers)) {
      scope.route({
        method,
        url: `${parts.base}/*`,
        exposeHeadRoute: false,
        config: { operation: "lookaside", open: answer === give && parts.open === true },
        handler: async (request, reply) =>
          await answer(parts, asked(parts, request), request, reply),
      });
    }
  };
}

/** One signature of one manifest. */
interface Asked extends LookasidePath {
  readonly repository: ServedRepository;
}

function asked(parts: LookasideParts, request: FastifyRequest): Asked {
  const path = splitUrl(request).path.replaceAll(/\/{2,}/g, "/");
  const found = parseLookasidePath(path.slice(parts.base.length));
  if (!found) throw noSuch();
  return { ...found, repository: repositoryOfName(found.name, parts) };
}

async function give(
  parts: LookasideParts,
  { repository, manifest, number }: Asked,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  if (!parts.open) await authorise(parts, request, repository, "pull");
  const list = await parts.signatures.of(repository, manifest).list(clientSignal(reply));
  if (list.incomplete) reply.header("warning", incompleteWarning);
  const found = list.all[number - 1];
  if (!found) throw noSuch();
  const tag = `"${found.hash}"`;
  reply.headers({ etag: tag, "cache-control": "no-cache", "x-content-type-options": "nosniff" });
  if (tagsOf(request.headers["if-none-match"])?.includes(tag)) return await reply.code(304).send();
  return await reply.type("application/octet-stream").send(Buffer.from(found.bytes));
}

/** Of a list without those of others: they could not be asked. */
export const incompleteWarning = '299 - "signatures of others could not be read"';

async function put(
  parts: LookasideParts,
  asked: Asked,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const caller = await authorise(parts, request, asked.repository, "sign");
  const bytes = checkedEnvelope(parseEnvelope(await readBody(request, maxSignatureBytes)));
  const set = parts.signatures.of(asked.repository, asked.manifest);
  const options = { conditions: conditionsOf(request), signal: clientSignal(reply) };
  const outcome = await putSignature(set, asked.number, bytes, options);
  note(parts, asked, caller, outcome);
  const { hash } = accepted(outcome);
  reply.code(outcome.type === "added" ? 201 : 200).header("etag", `"${hash}"`);
  return await reply.send("");
}

async function remove(
  parts: LookasideParts,
  asked: Asked,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const caller = await authorise(parts, request, asked.repository, "sign");
  const set = parts.signatures.of(asked.repository, asked.manifest);
  const options = { conditions: conditionsOf(request), signal: clientSignal(reply) };
  const outcome = await deleteSignature(set, asked.number, options);
  note(parts, asked, caller, outcome);
  accepted(outcome);
  return await reply.code(204).send();
}

/** @throws {RegistryAnswerError} 404, 409, 412 */
function accepted(outcome: WriteOutcome): { readonly hash: string } {
  if ("hash" in outcome) return outcome;
  if (outcome.type === "absent") throw noSuch();
  if (outcome.type === "conflict") {
    throw new RegistryAnswerError("DENIED", outcome.reason, { status: 409 });
  }
  throw new RegistryAnswerError("DENIED", "the condition does not hold", { status: 412 });
}

function note(
  { audit, signatures }: LookasideParts,
  { repository, manifest }: Asked,
  { user, address }: Caller,
  outcome: WriteOutcome,
): void {
  if (!("hash" in outcome) || outcome.type === "held") return;
  signatures.touched(repository, manifest);
  audit?.note({
    type: outcome.type === "added" ? "signature-added" : "signature-removed",
    ...(user !== undefined && { user }),
    address,
    repository: servedName(repository),
    digest: manifest,
    detail: `${outcome.type} ${outcome.hash} in the look-aside`,
  });
}

function conditionsOf({ headers }: FastifyRequest): WriteConditions {
  return {
    isNew: headers["if-none-match"]?.trim() === "*",
    match: tagsOf(headers["if-match"]),
  };
}

function tagsOf(header: string | undefined): readonly string[] | undefined {
  return header?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
}

function noSuch(): RegistryAnswerError {
  return new RegistryAnswerError("MANIFEST_UNKNOWN", "no such signature", { status: 404 });
}
