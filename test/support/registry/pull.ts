import { type Exchange, requestHeader } from "./exchange.ts";
import { emptyReply, errorReply, jsonReply, type Reply, textReply } from "./reply.ts";
import type { Repository, StoredBlob } from "./store.ts";

/** GET and HEAD of manifests — distribution-spec § Pulling manifests. */
export function pullManifest(exchange: Exchange): Reply {
  const { operation, store, features } = exchange;
  const repository = store.repositories.get(operation.repository);
  const digest = repository?.resolve(operation.reference);
  const manifest = digest && repository?.manifests.get(digest);
  if (!(digest && manifest)) return manifestNotFound(exchange, repository);
  const accept = requestHeader(exchange, "accept");
  if (accept && !accept.includes(manifest.mediaType) && !accept.includes("*/*")) {
    return errorReply(404, "MANIFEST_UNKNOWN", "the accept header does not cover this manifest");
  }
  const etag = `"${digest}"`;
  if (requestHeader(exchange, "if-none-match") === etag) return emptyReply(304, { etag });
  return {
    status: 200,
    headers: {
      "content-type": manifest.mediaType,
      "content-length": String(manifest.bytes.byteLength),
      ...(features.digestHeader && { "docker-content-digest": digest, etag }),
    },
    body: manifest.bytes,
  };
}

function manifestNotFound(exchange: Exchange, repository: Repository | undefined): Reply {
  switch (exchange.features.notFound) {
    case "plain":
      return textReply(404, "404 page not found\n");
    case "forbidden":
      return errorReply(403, "DENIED", "access forbidden");
    case "unknown-not-found":
      return errorReply(404, "UNKNOWN", "Not Found");
    case "harbor":
      return errorReply(404, "UNKNOWN", `artifact ${exchange.operation.reference} not found`);
    default:
      return repository
        ? errorReply(404, "MANIFEST_UNKNOWN", "manifest unknown")
        : errorReply(404, "NAME_UNKNOWN", "repository name not known to registry");
  }
}

/** GET and HEAD of blobs, with Range — distribution-spec § Pulling blobs. */
export function pullBlob(exchange: Exchange): Reply {
  const { operation, store, features } = exchange;
  const blob = store.repositories.get(operation.repository)?.blobs.get(operation.reference);
  const hidden = operation.method === "HEAD" && features.headBlobUncached;
  if (!blob || hidden) return errorReply(404, "BLOB_UNKNOWN", "blob unknown to registry");
  if (features.blobRedirect && operation.method === "GET") {
    const { origin, status } = features.blobRedirect;
    const location = `${origin}${operation.url.pathname}?X-Signature=presigned`;
    return emptyReply(status, { location });
  }
  return blobReply(exchange, blob);
}

function blobReply(exchange: Exchange, blob: StoredBlob): Reply {
  const { operation, features } = exchange;
  const headers = {
    "content-type": "application/octet-stream",
    "accept-ranges": "bytes",
    ...(features.digestHeader && { "docker-content-digest": operation.reference }),
  };
  const range = requestedRange(requestHeader(exchange, "range"), blob.size);
  if (range === "none") {
    return {
      status: 200,
      headers: { ...headers, "content-length": String(blob.size) },
      body: blob.read(0, blob.size),
    };
  }
  if (range === "outside") {
    return errorReply(416, "RANGE_INVALID", "range not satisfiable", {
      "content-range": `bytes */${blob.size}`,
    });
  }
  return {
    status: 206,
    headers: {
      ...headers,
      "content-length": String(range.to - range.from),
      "content-range": `bytes ${range.from}-${range.to - 1}/${blob.size}`,
    },
    body: blob.read(range.from, range.to),
  };
}

/** `bytes=N-` or `bytes=N-M`, as `from` up to, not including, `to`. */
export function requestedRange(
  header: string,
  size: number,
): { readonly from: number; readonly to: number } | "none" | "outside" {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header);
  if (!match) return "none";
  const from = Number(match[1]);
  const to = match[2] ? Math.min(size, Number(match[2]) + 1) : size;
  return from >= size || to <= from ? "outside" : { from, to };
}

/** The tags, a page at a time — distribution-spec § Listing tags. */
export function listTags(exchange: Exchange): Reply {
  const { operation, store, features } = exchange;
  const repository = store.repositories.get(operation.repository);
  if (!repository || repository.manifests.size === 0) {
    return errorReply(404, "NAME_UNKNOWN", "repository name not known to registry");
  }
  const page = takePage(exchange, [...repository.tags.keys()].sort());
  if (!("items" in page)) return page;
  const body = {
    name: operation.repository,
    tags: [...page.items, ...features.strangeTags],
    ...(features.tagDetails && { manifest: tagDetails(repository) }),
  };
  return jsonReply(200, body, page.headers);
}

function tagDetails(repository: Repository): Record<string, unknown> {
  const details: Record<string, unknown> = {};
  for (const [digest, manifest] of repository.manifests) {
    const tag = [...repository.tags].filter(([, held]) => held === digest).map(([name]) => name);
    details[digest] = { mediaType: manifest.mediaType, tag, timeUploadedMs: "1700000000000" };
  }
  return details;
}

/** All repositories — distribution's `_catalog`. */
export function listCatalog(exchange: Exchange): Reply {
  if (!exchange.features.catalog) return textReply(404, "404 page not found\n");
  const page = takePage(exchange, [...exchange.store.repositories.keys()].sort());
  return "items" in page ? jsonReply(200, { repositories: page.items }, page.headers) : page;
}

interface Page {
  readonly items: readonly string[];
  readonly headers: Record<string, string>;
}

function takePage(exchange: Exchange, all: readonly string[]): Page | Reply {
  const { url } = exchange.operation;
  const { pageLimit, maxPage } = exchange.features;
  const asked = url.searchParams.get("n");
  if (asked !== null && maxPage !== undefined && Number(asked) > maxPage) {
    return errorReply(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested");
  }
  const last = url.searchParams.get("last");
  const rest = last === null ? all : all.filter((item) => item > last);
  const items = rest.slice(0, Math.min(pageLimit, asked === null ? pageLimit : Number(asked)));
  if (items.length === rest.length || items.length === 0) return { items, headers: {} };
  const query = new URLSearchParams({ n: asked ?? String(pageLimit), last: items.at(-1) ?? "" });
  return { items, headers: { link: `<${url.pathname}?${query}>; rel="next"` } };
}

/** Manifests whose subject is the digest — distribution-spec § Listing referrers. */
export function listReferrers(exchange: Exchange): Reply {
  const { operation, store, features } = exchange;
  if (!features.referrers) return textReply(404, "404 page not found\n");
  const wanted = operation.url.searchParams.get("artifactType");
  const manifests = [];
  for (const [digest, stored] of store.repositories.get(operation.repository)?.manifests ?? []) {
    const parsed = JSON.parse(Buffer.from(stored.bytes).toString());
    if (parsed.subject?.digest !== operation.reference) continue;
    const artifactType = parsed.artifactType ?? parsed.config?.mediaType;
    if (wanted !== null && artifactType !== wanted) continue;
    manifests.push({
      mediaType: stored.mediaType,
      digest,
      size: stored.bytes.byteLength,
      artifactType,
      ...(parsed.annotations && { annotations: parsed.annotations }),
    });
  }
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests,
  };
  return jsonReply(200, index, {
    "content-type": index.mediaType,
    ...(wanted !== null && { "oci-filters-applied": "artifactType" }),
  });
}
