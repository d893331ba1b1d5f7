import type { FastifyReply, FastifyRequest } from "fastify";
import { type Digest, isDigest } from "../../core/digest.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { Face } from "../shell/faces.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { formatSignatureList, parseSignatureEntry } from "./api-list.ts";
import { checkedEnvelope } from "./create-served-signatures.ts";
import { authorise, clientSignal, type FaceParts, readBody } from "./face.ts";
import { prepareFace, splitUrl } from "./face-plugin.ts";
import { incompleteWarning } from "./lookaside-face.ts";
import { routed } from "./route.ts";
import { hashOf } from "./union.ts";

const base = "/extensions/v2";
/** As much as clients take of a list. */
const maxBodyBytes = 4 * 1024 * 1024;

/**
 * The API that `X-Registry-Supports-Signatures: 1` at `/v2/` announces: clients then ask here on every pull, and nowhere else
 * — `specs/signing.md` 3.3. A manifest that nobody knows has an empty list.
 */
export function signaturesApiFace(parts: FaceParts): Face {
  return (scope) => {
    prepareFace(scope, parts);
    const answers = { GET: list, PUT: add };
    for (const [method, answer] of Object.entries(answers)) {
      scope.route({
        method,
        url: `${base}/*`,
        config: { operation: "signatures-api" },
        handler: async (request, reply) =>
          await answer(parts, asked(parts, request), request, reply),
      });
    }
  };
}

interface Asked {
  readonly repository: ServedRepository;
  readonly manifest: Digest;
}

function asked({ route }: FaceParts, request: FastifyRequest): Asked {
  const { path: raw, query } = splitUrl(request);
  const [, path, digest = ""] = /^(.+)\/signatures\/([^/]+)$/.exec(unescaped(raw)) ?? [];
  if (!path) throw new RegistryAnswerError("NAME_INVALID", "invalid path", { status: 404 });
  if (!isDigest(digest)) {
    throw new RegistryAnswerError("DIGEST_INVALID", "invalid digest", { status: 400 });
  }
  const { host, "oci-namespace": header } = request.headers;
  const namespace = query.get("ns") ?? (typeof header === "string" ? header : undefined);
  return {
    repository: routed(route, { path, namespace, host: host?.toLowerCase() }),
    manifest: digest,
  };
}

/** Clients may escape the colon of the digest, and need not escape anything else. */
function unescaped(raw: string): string {
  return raw.slice(base.length + 1).replaceAll(/%3a/gi, ":");
}

async function list(
  parts: FaceParts,
  { repository, manifest }: Asked,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  await authorise(parts, request, repository, "pull");
  const found = await parts.signatures.of(repository, manifest).list(clientSignal(reply));
  if (found.incomplete) reply.header("warning", incompleteWarning);
  reply.header("cache-control", "no-cache").type("application/json");
  return await reply.send(formatSignatureList(manifest, found.all));
}

async function add(
  parts: FaceParts,
  { repository, manifest }: Asked,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { user, address } = await authorise(parts, request, repository, "sign");
  const bytes = parseSignatureEntry(await readBody(request, maxBodyBytes), manifest);
  const envelope = checkedEnvelope({ format: "simple-signing", bytes });
  const set = parts.signatures.of(repository, manifest);
  const added = await set.change((folder) => folder.add([envelope]));
  if (added.length > 0) {
    parts.signatures.touched(repository, manifest);
    parts.audit?.note({
      type: "signature-added",
      ...(user !== undefined && { user }),
      address,
      repository: servedName(repository),
      digest: manifest,
      detail: `added ${hashOf(envelope)} through the API`,
    });
  }
  return await reply.code(201).send("");
}
