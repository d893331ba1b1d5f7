import type { FastifyReply, FastifyRequest } from "fastify";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { SignatureDescription } from "../../../sigstore/verifiers.ts";
import { type Digest, isDigest } from "../../core/digest.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { Face } from "../shell/faces.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { authorise, clientSignal, type FaceParts, unreadable } from "./face.ts";
import { prepareFace, splitUrl } from "./face-plugin.ts";
import { repositoryOfName } from "./route.ts";
import type { ServedSignature } from "./union.ts";

const base = "/api/v1/signatures";
const api = {
  summary: "Who says to have signed an image (/api/v1/signatures/DOMAIN/PATH@DIGEST); not verified",
  answers: { 200: { is: "The signatures, with where each comes from" } },
};

/** What signatures are described with. */
export interface DescribeParts extends FaceParts {
  /** Never throws: `Verifiers.describe`. */
  readonly describe: (signature: UntrustedSignature) => Promise<SignatureDescription>;
}

/** `GET /api/v1/signatures/[<domain>/]<path>@<digest>`: who says to have signed what, for people. Nothing of it is verified. */
export function describeFace(parts: DescribeParts): Face {
  return (scope) => {
    prepareFace(scope, parts);
    scope.get(
      `${base}/*`,
      { config: { operation: "api", api } },
      async (request, reply) => await describe(parts, request, reply),
    );
  };
}

async function describe(parts: DescribeParts, request: FastifyRequest, reply: FastifyReply) {
  const { repository, manifest } = asked(parts, request);
  await authorise(parts, request, repository, "pull");
  const { all, incomplete } = await parts.signatures
    .of(repository, manifest)
    .list(clientSignal(reply));
  const signatures = await Promise.all(
    all.map(async (one, at) => entryOf(at + 1, one, await parts.describe(one.signature), manifest)),
  );
  return await reply.header("cache-control", "no-cache").send({
    repository: servedName(repository),
    digest: manifest,
    complete: incomplete === undefined,
    ...(incomplete && { problem: unreadable }),
    signatures,
  });
}

/** `claimed` is what the signature says of itself, which anybody can write. */
function entryOf(
  number: number,
  { bytes, hash, where }: ServedSignature,
  { format, keyId, dockerReference, manifestDigest, signedAt }: SignatureDescription,
  manifest: Digest,
) {
  return {
    number,
    origin: where ?? "kept here",
    format,
    bytes: bytes.byteLength,
    sha256: hash,
    verified: false,
    claimed: {
      ...(keyId !== undefined && { keyId }),
      ...(signedAt && { signedAt: signedAt.toISOString() }),
      ...(dockerReference !== undefined && { reference: dockerReference }),
      ...(manifestDigest !== undefined && {
        digest: manifestDigest,
        ofThisManifest: manifestDigest === manifest,
      }),
    },
  };
}

function asked(
  parts: DescribeParts,
  request: FastifyRequest,
): { readonly repository: ServedRepository; readonly manifest: Digest } {
  const text = splitUrl(request).path.slice(base.length + 1);
  const plain = text.replaceAll(/%3a/gi, ":").replaceAll(/%40/g, "@");
  const at = plain.lastIndexOf("@");
  const digest = plain.slice(at + 1);
  if (at < 1 || !isDigest(digest)) {
    throw new RegistryAnswerError("DIGEST_INVALID", "invalid digest", { status: 400 });
  }
  return { repository: repositoryOfName(plain.slice(0, at), parts), manifest: digest };
}
