import { randomUUID } from "node:crypto";
import { isDigest } from "../../../src/core/digest.ts";
import { type Exchange, requestHeader } from "./exchange.ts";
import { emptyReply, errorReply, type Reply, textReply } from "./reply.ts";
import { Upload } from "./store.ts";

/** POST of an upload: mount, single POST, or a new session — distribution-spec § Pushing blobs. */
export async function openUpload(exchange: Exchange): Promise<Reply> {
  const { operation, store, features } = exchange;
  if (features.repositoriesExist && !store.repositories.has(operation.repository)) {
    return errorReply(404, "NAME_UNKNOWN", "the repository does not exist");
  }
  const mounted = mount(exchange);
  if (mounted) return mounted;
  const upload = new Upload(randomUUID(), exchange.keepBytes);
  const repository = store.open(operation.repository);
  const digest = operation.url.searchParams.get("digest");
  if (digest !== null && features.singlePost) {
    await readInto(upload, exchange);
    return commit(exchange, upload, digest);
  }
  await discard(exchange);
  repository.uploads.set(upload.id, upload);
  return emptyReply(202, uploadHeaders(exchange, upload));
}

function mount(exchange: Exchange): Reply | undefined {
  const { operation, store, features } = exchange;
  const digest = operation.url.searchParams.get("mount");
  if (digest === null) return undefined;
  const from = operation.url.searchParams.get("from");
  const rule = from === null ? features.anonymousMount : features.mount;
  if (typeof rule === "number") return errorReply(rule, "UNSUPPORTED", "mount refused");
  if (rule === "ignore") return undefined;
  const blob =
    from === null ? store.blobAnywhere(digest) : store.repositories.get(from)?.blobs.get(digest);
  if (!blob) return undefined;
  store.open(operation.repository).blobs.set(digest, blob);
  return created(exchange, digest, `/v2/${operation.repository}/blobs/${digest}`);
}

/** PATCH, PUT, GET and DELETE of an upload session. */
export async function continueUpload(exchange: Exchange): Promise<Reply> {
  const { operation, store, features } = exchange;
  const repository = store.repositories.get(operation.repository);
  const upload = repository?.uploads.get(operation.reference);
  if (!(repository && upload) || isStale(exchange, upload)) {
    await discard(exchange);
    return errorReply(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  }
  switch (operation.method) {
    case "PATCH":
      return features.patch ? patchUpload(exchange, upload) : errorReply(405, "UNSUPPORTED");
    case "PUT":
      return finishUpload(exchange, upload);
    case "GET":
      return emptyReply(204, uploadHeaders(exchange, upload));
    default:
      repository.uploads.delete(upload.id);
      return emptyReply(204);
  }
}

function isStale(exchange: Exchange, upload: Upload): boolean {
  const { url } = exchange.operation;
  const { locationQuery, singleUseLocation } = exchange.features;
  if (singleUseLocation && url.searchParams.get("_state") !== String(upload.state)) return true;
  return Object.entries(locationQuery).some(
    ([name, value]) => url.searchParams.get(name) !== value,
  );
}

async function patchUpload(exchange: Exchange, upload: Upload): Promise<Reply> {
  const refused = await badChunk(exchange, upload);
  if (refused) return refused;
  await readInto(upload, exchange);
  return emptyReply(exchange.features.patchStatus, uploadHeaders(exchange, upload));
}

async function badChunk(exchange: Exchange, upload: Upload): Promise<Reply | undefined> {
  const range = /^(?:bytes )?(\d+)-(\d+)/.exec(requestHeader(exchange, "content-range"));
  if (!range) return undefined;
  const { min = 0, max = Number.POSITIVE_INFINITY } = exchange.features.chunkBytes ?? {};
  const length = Number(range[2]) - Number(range[1]) + 1;
  if (Number(range[1]) === upload.size && length >= min && length <= max) return undefined;
  await discard(exchange);
  return errorReply(416, "RANGE_INVALID", "chunk refused", uploadHeaders(exchange, upload));
}

async function finishUpload(exchange: Exchange, upload: Upload): Promise<Reply> {
  const hasBody = requestHeader(exchange, "content-length") !== "0";
  if (hasBody && !exchange.features.putBody) {
    await discard(exchange);
    return textReply(404, "Not Found");
  }
  await readInto(upload, exchange);
  return commit(exchange, upload, exchange.operation.url.searchParams.get("digest") ?? "");
}

function commit(exchange: Exchange, upload: Upload, digest: string): Reply {
  const repository = exchange.store.open(exchange.operation.repository);
  if (!isDigest(digest)) return errorReply(400, "DIGEST_INVALID", "no digest that can be read");
  if (upload.digest(digest) !== digest) {
    repository.uploads.delete(upload.id);
    return errorReply(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
  }
  repository.uploads.delete(upload.id);
  repository.blobs.set(digest, upload.finish());
  return created(exchange, digest, `/v2/${exchange.operation.repository}/blobs/${digest}`);
}

/** Reads the body into the upload; if it breaks off, the session lives on only where the registry can resume. */
async function readInto(upload: Upload, exchange: Exchange): Promise<void> {
  try {
    for await (const chunk of exchange.body) upload.append(chunk);
  } catch (error) {
    const { store, operation, features } = exchange;
    if (!features.resumable) store.open(operation.repository).uploads.delete(upload.id);
    throw error;
  }
}

async function discard(exchange: Exchange): Promise<void> {
  for await (const _chunk of exchange.body);
}

function created(exchange: Exchange, digest: string, path: string): Reply {
  const { features, origin } = exchange;
  return emptyReply(exchange.operation.method === "PUT" ? features.putStatus : 201, {
    location: features.location === "absolute" ? `${origin}${path}` : path,
    ...(features.digestHeader && { "docker-content-digest": digest }),
  });
}

/** Location and Range of a session. An empty upload says `0-0`, as distribution does: the ambiguous one. */
function uploadHeaders(exchange: Exchange, upload: Upload): Record<string, string> {
  upload.state += 1;
  const { operation, features } = exchange;
  const query = new URLSearchParams({ _state: String(upload.state), ...features.locationQuery });
  const path = `/v2/${operation.repository}/blobs/uploads/${upload.id}?${query}`;
  return {
    location: locationOf(exchange, path, upload.id, query),
    range: `0-${Math.max(0, upload.size - 1)}`,
    "docker-upload-uuid": upload.id,
  };
}

function locationOf(exchange: Exchange, path: string, id: string, query: URLSearchParams): string {
  const { location } = exchange.features;
  if (typeof location === "object") return `${location.origin}${path}`;
  if (location === "absolute") return `${exchange.origin}${path}`;
  if (location === "path") return path;
  // Relative to the request: the POST asked `…/uploads/`, later ones `…/uploads/<id>`.
  return exchange.operation.url.pathname.endsWith("uploads")
    ? `uploads/${id}?${query}`
    : `${id}?${query}`;
}
