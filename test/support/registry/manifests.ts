import { createHash } from "node:crypto";
import type { Digest } from "../../../src/core/digest.ts";
import { type Exchange, requestHeader } from "./exchange.ts";
import { emptyReply, errorReply, type Reply } from "./reply.ts";
import type { Repository } from "./store.ts";

interface ManifestFields {
  readonly config?: { readonly digest?: string };
  readonly layers?: readonly { readonly digest?: string; readonly urls?: readonly string[] }[];
  readonly fsLayers?: readonly { readonly blobSum?: string }[];
  readonly manifests?: readonly { readonly digest?: string }[];
  readonly subject?: { readonly digest?: string };
  readonly signatures?: readonly { readonly protected?: string }[];
}

/** PUT of a manifest: what it names has to be there — distribution-spec § Pushing manifests. */
export async function pushManifest(exchange: Exchange): Promise<Reply> {
  const { operation, store, features } = exchange;
  const bytes = await collect(exchange.body, features.maxManifestBytes);
  if (!bytes) return errorReply(413, "SIZE_INVALID", "manifest too large");
  const mediaType = requestHeader(exchange, "content-type").split(";")[0]?.trim() ?? "";
  if (features.manifestTypes && !features.manifestTypes.includes(mediaType)) {
    return errorReply(415, "MANIFEST_INVALID", `manifest type ${mediaType} is not taken`);
  }
  const fields = parse(bytes);
  if (!fields) return errorReply(400, "MANIFEST_INVALID", "not JSON");
  if (features.repositoriesExist && !store.repositories.has(operation.repository)) {
    return errorReply(404, "NAME_UNKNOWN", "the repository does not exist");
  }
  const repository = store.open(operation.repository);
  const missing = features.validates ? absentFrom(repository, fields) : undefined;
  if (missing) return errorReply(400, "MANIFEST_BLOB_UNKNOWN", `unknown: ${missing}`);
  const digest = storedDigest(bytes, fields, operation.reference);
  if (operation.reference.includes(":") && operation.reference !== digest) {
    return errorReply(400, "DIGEST_INVALID", "the manifest has another digest");
  }
  if (!isCondition(exchange, repository.resolve(operation.reference))) {
    return errorReply(412, "UNKNOWN", "the tag stands for something else");
  }
  repository.manifests.set(digest, { mediaType, bytes });
  const tags = setTags(exchange, repository, digest);
  return emptyReply(201, {
    location: `${exchange.origin}/v2/${operation.repository}/manifests/${digest}`,
    ...(features.digestHeader && { "docker-content-digest": digest }),
    ...(features.referrers && fields.subject?.digest && { "oci-subject": fields.subject.digest }),
    ...(tags.length > 0 && { "oci-tag": tags.join(", ") }),
  });
}

/** Gives those of the parameters. */
function setTags(exchange: Exchange, repository: Repository, digest: Digest): readonly string[] {
  const { request, origin, operation, features } = exchange;
  if (!operation.reference.includes(":")) repository.tags.set(operation.reference, digest);
  const { searchParams } = new URL(request.url ?? "", origin);
  const tags = features.tagParameters ? searchParams.getAll("tag") : [];
  for (const tag of tags) repository.tags.set(tag, digest);
  return tags;
}

function isCondition(exchange: Exchange, held: string | undefined): boolean {
  if (!exchange.features.conditions) return true;
  const match = requestHeader(exchange, "if-match");
  if (match !== "") return match === `"${held}"`;
  return requestHeader(exchange, "if-none-match") !== "*" || held === undefined;
}

async function collect(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size <= limit) chunks.push(Buffer.from(chunk));
  }
  return size <= limit ? Buffer.concat(chunks) : undefined;
}

function parse(bytes: Buffer): ManifestFields | undefined {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function absentFrom(repository: Repository, fields: ManifestFields): string | undefined {
  const blobs = [
    fields.config?.digest,
    ...(fields.layers ?? []).filter((layer) => !layer.urls?.length).map((layer) => layer.digest),
    ...(fields.fsLayers ?? []).map((layer) => layer.blobSum),
  ];
  const children = (fields.manifests ?? []).map((child) => child.digest);
  return (
    blobs.find((digest) => digest !== undefined && !repository.blobs.has(digest)) ??
    children.find((digest) => digest !== undefined && !repository.manifests.has(digest))
  );
}

/** By the algorithm of the reference; a signed schema 1 manifest counts without its signatures. */
export function storedDigest(bytes: Uint8Array, fields: ManifestFields, reference = ""): Digest {
  const algorithm = reference.startsWith("sha512:") ? "sha512" : "sha256";
  const counted = fields.signatures ? signedPayload(bytes, fields) : bytes;
  return `${algorithm}:${createHash(algorithm).update(counted).digest("hex")}` as Digest;
}

function signedPayload(bytes: Uint8Array, fields: ManifestFields): Uint8Array {
  const head = fields.signatures?.[0]?.protected ?? "";
  const { formatLength, formatTail } = JSON.parse(Buffer.from(head, "base64url").toString());
  return Buffer.concat([bytes.subarray(0, formatLength), Buffer.from(formatTail, "base64url")]);
}

/** DELETE by digest (all its tags go) or by tag — distribution-spec § Content management. */
export function deleteManifest(exchange: Exchange): Reply {
  const { operation, store, features } = exchange;
  const byDigest = operation.reference.includes(":");
  if (!(byDigest ? features.deleteManifest : features.deleteTag)) {
    return errorReply(405, "UNSUPPORTED", "The operation is unsupported.");
  }
  const repository = store.repositories.get(operation.repository);
  const digest = repository?.resolve(operation.reference);
  if (!(repository && digest)) return errorReply(404, "MANIFEST_UNKNOWN", "manifest unknown");
  if (!byDigest) repository.tags.delete(operation.reference);
  else {
    repository.manifests.delete(digest);
    for (const [tag, held] of repository.tags) if (held === digest) repository.tags.delete(tag);
  }
  return emptyReply(202);
}

/** DELETE of a blob. */
export function deleteBlob(exchange: Exchange): Reply {
  const { operation, store, features } = exchange;
  if (!features.deleteBlob) return errorReply(405, "UNSUPPORTED", "The operation is unsupported.");
  const gone = store.repositories.get(operation.repository)?.blobs.delete(operation.reference);
  return gone ? emptyReply(202) : errorReply(404, "BLOB_UNKNOWN", "blob unknown to registry");
}
