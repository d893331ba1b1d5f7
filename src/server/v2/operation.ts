import {
  algorithmOf,
  type Digest,
  type DigestAlgorithm,
  hexLengths,
  isDigest,
} from "../../core/digest.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { ManifestReference, Page } from "./backend.ts";
import { isRepositoryPath, isTag, isUploadId } from "./names.ts";
import type { Query } from "./query.ts";
import { parseRequestTarget, type RequestTarget, unknownEndpoint } from "./request-target.ts";

/** What a repository is asked for — OCI distribution-spec § Endpoints. */
export type RepositoryAction =
  | { readonly type: "read-manifest"; readonly reference: ManifestReference }
  | {
      readonly type: "put-manifest";
      readonly reference: ManifestReference;
      /** Which it is said to have: its reference, or beside a tag `?digest=`, as regclient and olareg have it. */
      readonly digest: Digest | undefined;
      /** Of `?tag=` beside a digest. */
      readonly tags: readonly string[];
    }
  | { readonly type: "delete-manifest"; readonly reference: ManifestReference }
  | { readonly type: "read-blob" | "delete-blob"; readonly digest: Digest }
  | { readonly type: "list-tags"; readonly page: Page }
  | {
      readonly type: "list-referrers";
      readonly subject: Digest;
      /** Empty: those that have none. */
      readonly artifactType: string | undefined;
      readonly page: Page;
    }
  | {
      readonly type: "begin-upload";
      /** Of all of it, where the body is to be that. */
      readonly digest: Digest | undefined;
      /** Which its digest will be of, where that is told beforehand. */
      readonly algorithm: DigestAlgorithm | undefined;
    }
  | { readonly type: "mount-blob"; readonly digest: Digest; readonly from: string | undefined }
  | { readonly type: "read-upload" | "append-upload" | "cancel-upload"; readonly id: string }
  | { readonly type: "finish-upload"; readonly id: string; readonly digest: Digest };

/** An action, and where. */
export type RepositoryOperation = RepositoryAction & {
  /** Its name, checked: what stands behind `/v2/`, and in front of it. */
  readonly repository: string;
  /** Its path, for Location and Link: `/v2/team/app`. */
  readonly path: string;
  /** Which registry's it is, as the client says. */
  readonly namespace: string | undefined;
  readonly query: Query;
};

/** What a request asks for, checked but for rights. */
export type Operation =
  | { readonly type: "ping" }
  | { readonly type: "list-repositories"; readonly page: Page; readonly query: Query }
  | RepositoryOperation;

/** Names a page has where nobody says how many, and at most. */
const usualPage = 1000;
const largestPage = 10_000;
const mostTags = 64;

/**
 * What a request asks for; `namespace` is what its `OCI-Namespace` header says.
 *
 * @throws {RegistryAnswerError} 400, 404, 405 with the code that clients know
 */
export function parseOperation(
  method: string,
  target: string,
  namespace: string | undefined,
): Operation {
  const parsed = parseRequestTarget(target);
  const { components, query } = parsed;
  if (components.length === 0 || (components.length === 1 && components[0] === "")) {
    allow(method, readMethods);
    return { type: "ping" };
  }
  if (components.length === 1 && components[0] === "_catalog") {
    allow(method, readMethods);
    return { type: "list-repositories", page: parsePage(query), query };
  }
  return repositoryOperation(method, parsed, namespace);
}

const readMethods = ["GET", "HEAD"];

type ActionParser = (method: string, last: string, target: RequestTarget) => RepositoryAction;

/** By the last component but one, for names may have any of these words in them. */
const endpoints: Readonly<Record<string, ActionParser>> = {
  manifests: manifestAction,
  blobs: blobAction,
  tags: tagsAction,
  referrers: referrersAction,
  uploads: uploadAction,
};

function repositoryOperation(
  method: string,
  target: RequestTarget,
  namespace: string | undefined,
): RepositoryOperation {
  const { base, prefix, components, query } = target;
  const word = components.at(-2) ?? "";
  if (!Object.hasOwn(endpoints, word)) throw unknownEndpoint();
  const upload = word === "uploads";
  if (upload && components.at(-3) !== "blobs") throw unknownEndpoint();
  const name = components.slice(0, upload ? -3 : -2).join("/");
  const repository = `${prefix}${name}`;
  if (name === "" || !isRepositoryPath(repository)) {
    throw new RegistryAnswerError("NAME_INVALID", "invalid repository name", { status: 400 });
  }
  const action = (endpoints[word] as ActionParser)(method, components.at(-1) ?? "", target);
  return {
    ...action,
    repository,
    path: `${base}${name}`,
    namespace: oneNamespace(query.get("ns"), namespace),
    query,
  };
}

function oneNamespace(asked: string | undefined, header: string | undefined): string | undefined {
  if (asked !== undefined && header !== undefined && asked !== header) {
    throw new RegistryAnswerError("NAME_INVALID", "ns and OCI-Namespace differ", { status: 400 });
  }
  return asked ?? header;
}

function manifestAction(method: string, last: string, { query }: RequestTarget): RepositoryAction {
  allow(method, ["GET", "HEAD", "PUT", "DELETE"]);
  const reference = parseReference(method, last);
  if (method === "PUT") {
    const digest = reference.type === "digest" ? reference.digest : digestBeside(query);
    return { type: "put-manifest", reference, digest, tags: extraTags(query) };
  }
  return { type: method === "DELETE" ? "delete-manifest" : "read-manifest", reference };
}

/** What cannot be a tag names nothing; only where one is to be made is it wrong. */
function parseReference(method: string, text: string): ManifestReference {
  if (text.includes(":")) return { type: "digest", digest: checkDigest(text) };
  if (isTag(text)) return { type: "tag", tag: text };
  if (method === "PUT")
    throw new RegistryAnswerError("TAG_INVALID", "invalid tag", { status: 400 });
  throw new RegistryAnswerError("MANIFEST_UNKNOWN", "manifest unknown", { status: 404 });
}

function digestBeside(query: Query): Digest | undefined {
  const digest = query.get("digest");
  return digest === undefined ? undefined : checkDigest(digest);
}

function extraTags(query: Query): readonly string[] {
  const tags = [...new Set(query.all("tag"))];
  if (tags.length > mostTags || !tags.every(isTag)) {
    throw new RegistryAnswerError("TAG_INVALID", "invalid tag", { status: 400 });
  }
  return tags;
}

function blobAction(method: string, last: string, target: RequestTarget): RepositoryAction {
  // The spec's path ends in a slash; some clients leave it out.
  if (last === "uploads" && method === "POST") return uploadAction(method, "", target);
  allow(method, ["GET", "HEAD", "DELETE"]);
  const digest = checkDigest(last);
  return { type: method === "DELETE" ? "delete-blob" : "read-blob", digest };
}

function tagsAction(method: string, last: string, { query }: RequestTarget): RepositoryAction {
  if (last !== "list") throw unknownEndpoint();
  allow(method, readMethods);
  return { type: "list-tags", page: parsePage(query) };
}

function referrersAction(method: string, last: string, { query }: RequestTarget): RepositoryAction {
  allow(method, readMethods);
  return {
    type: "list-referrers",
    subject: checkDigest(last),
    artifactType: query.get("artifactType"),
    page: parsePage(query),
  };
}

function uploadAction(method: string, id: string, target: RequestTarget): RepositoryAction {
  if (id === "") {
    allow(method, ["POST"]);
    return beginning(target);
  }
  allow(method, ["GET", "HEAD", "PATCH", "PUT", "DELETE"]);
  if (!isUploadId(id)) {
    throw new RegistryAnswerError("BLOB_UPLOAD_UNKNOWN", "blob upload unknown", { status: 404 });
  }
  if (method === "PUT") {
    return { type: "finish-upload", id, digest: checkDigest(target.query.get("digest") ?? "") };
  }
  if (method === "PATCH") return { type: "append-upload", id };
  return { type: method === "DELETE" ? "cancel-upload" : "read-upload", id };
}

function beginning({ prefix, query }: RequestTarget): RepositoryAction {
  const algorithm = query.get("digest-algorithm");
  if (algorithm !== undefined && !isAlgorithm(algorithm)) throw badDigest();
  const mount = query.get("mount") ?? "";
  const from = sourceOf(prefix, query);
  if (isDigest(mount) && from !== false) return { type: "mount-blob", digest: mount, from };
  // What cannot be mounted is uploaded: so distribution and zot answer what can be no source's name or blob's digest.
  const digest = query.get("digest");
  if (digest === undefined) return { type: "begin-upload", digest: undefined, algorithm };
  const checked = checkDigest(digest);
  return { type: "begin-upload", digest: checked, algorithm: algorithmOf(checked) };
}

/** Undefined: anywhere; false: nowhere. A client that has a path of its own has it for the source as well. */
function sourceOf(prefix: string, query: Query): string | undefined | false {
  const from = query.get("from");
  if (from === undefined || from === "") return undefined;
  return isRepositoryPath(`${prefix}${from}`) && `${prefix}${from}`;
}

function isAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(hexLengths, text);
}

function checkDigest(text: string): Digest {
  if (!isDigest(text)) throw badDigest();
  return text;
}

function badDigest(): RegistryAnswerError {
  const message = "provided digest is not of a known algorithm and form";
  return new RegistryAnswerError("DIGEST_INVALID", message, { status: 400 });
}

function parsePage(query: Query): Page {
  const last = query.get("last");
  const number = query.get("n") || undefined;
  if (number !== undefined && !/^[0-9]+$/.test(number)) {
    const message = "n must be a number of entries";
    throw new RegistryAnswerError("PAGINATION_NUMBER_INVALID", message, { status: 400 });
  }
  const limit = number === undefined ? usualPage : Math.min(Number(number), largestPage);
  return last === undefined || last === "" ? { limit } : { last, limit };
}

function allow(method: string, methods: readonly string[]): void {
  if (methods.includes(method)) return;
  throw new RegistryAnswerError("UNSUPPORTED", "the operation is unsupported", {
    status: 405,
    headers: { Allow: methods.join(", ") },
  });
}
