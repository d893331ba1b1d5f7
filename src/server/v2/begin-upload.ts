import { algorithmOf, type Digest, type DigestAlgorithm } from "../../core/digest.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { UploadStart, UploadState } from "./backend.ts";
import type { Exchange } from "./exchange.ts";
import type { RepositoryOperation } from "./operation.ts";
import { announcedLength, requestBody } from "./request-body.ts";
import { demand, demandSource, nameForRights } from "./rights.ts";
import type { Service } from "./service.ts";
import { blobHeaders, type UploadOperation, uploadHeaders } from "./upload.ts";

/** POST: a new upload; with `?digest=` and a body all of it at once. */
export async function beginUpload(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: UploadOperation<{
    readonly digest: Digest | undefined;
    readonly algorithm: DigestAlgorithm | undefined;
  }>,
): Promise<void> {
  demand(service, exchange, repository, "push");
  const { digest } = operation;
  if (digest === undefined) {
    await open(service, exchange, repository, operation, operation.algorithm);
    return;
  }
  await takeWhole(service, exchange, repository, digest);
  exchange.answer(201, blobHeaders(operation, digest));
}

/** POST with `?mount=`: a blob of another repository, where the caller may read it there; else a new upload. */
export async function mountBlob(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: UploadOperation<MountAsked>,
): Promise<void> {
  const source = sourceOf(service, exchange, repository, operation);
  demand(service, exchange, repository, "push", source);
  const start = await mountStart(service, exchange, repository, { ...operation, source });
  const begun =
    start && (await service.parts.backendOf(repository).beginUpload(repository, start, exchange));
  const algorithm = algorithmOf(operation.digest);
  if (begun === undefined) await open(service, exchange, repository, operation, algorithm);
  else if (begun.type === "open") exchange.answer(202, uploadHeaders(operation, begun.upload));
  else exchange.answer(201, blobHeaders(operation, operation.digest));
}

async function open(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: UploadOperation<unknown>,
  algorithm: DigestAlgorithm | undefined,
): Promise<void> {
  const upload = await openNew(service, exchange, repository, algorithm);
  exchange.answer(202, uploadHeaders(operation, upload));
}

async function openNew(
  { parts }: Service,
  exchange: Exchange,
  repository: ServedRepository,
  algorithm: DigestAlgorithm | undefined,
): Promise<UploadState> {
  const start = { type: "new", ...(algorithm && { algorithm }) } as const;
  const begun = await parts.backendOf(repository).beginUpload(repository, start, exchange);
  if (begun.type !== "open") throw new Error("a new upload was mounted");
  return begun.upload;
}

/** Nobody knows the id of such an upload: what fails is not left lying about. */
async function takeWhole(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  digest: Digest,
): Promise<void> {
  const { limits, parts } = service;
  refuseTooLong(exchange, limits.maxBlobBytes);
  const backend = parts.backendOf(repository);
  const { id } = await openNew(service, exchange, repository, algorithmOf(digest));
  try {
    const body = requestBody(exchange, limits.maxBlobBytes);
    await backend.finishUpload(repository, id, { body, digest }, exchange);
  } catch (error) {
    await backend.cancelUpload(repository, id, exchange).catch(() => false);
    throw error;
  }
}

function refuseTooLong(exchange: Exchange, maxBytes: number): void {
  if ((announcedLength(exchange) ?? 0) <= maxBytes) return;
  const message = `exceeded maximum allowed size of ${maxBytes} bytes`;
  throw new RegistryAnswerError("SIZE_INVALID", message, { status: 413 });
}

/** What a mount is asked for with. */
type MountAsked = Pick<RepositoryOperation, "namespace"> & {
  readonly digest: Digest;
  readonly from: string | undefined;
};

/** Undefined where none is named, or none that a blob can be mounted from. */
function sourceOf(
  { parts }: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { from, namespace }: MountAsked,
): ServedRepository | undefined {
  if (from === undefined) return undefined;
  const source = parts.route({ path: from, namespace, host: exchange.host });
  if (source instanceof RegistryAnswerError || source.domain !== repository.domain)
    return undefined;
  return source;
}

/**
 * Undefined where nothing may be mounted. Who may not read there is told nothing but "upload it": whoever knows a digest
 * must not learn where it is, nor get its bytes by it (zot's CVE-2024-39897).
 */
async function mountStart(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { digest, from, source }: MountAsked & { readonly source: ServedRepository | undefined },
): Promise<UploadStart | undefined> {
  if (from === undefined) return await anywhere(service, exchange, repository, digest);
  if (source === undefined) return undefined;
  demandSource(service, exchange, repository, source);
  if (!mayPull(service, exchange, source)) return undefined;
  if (await isRefused(service, exchange, source, digest)) return undefined;
  return { type: "mount", digest, from: source };
}

/** Of all that are held here of the same registry, ours or an upstream's, and that the caller may have it from. */
async function anywhere(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  digest: Digest,
): Promise<UploadStart | undefined> {
  const { domain, upstream } = repository;
  if (await isRefused(service, exchange, repository, digest)) return undefined;
  return {
    type: "mount",
    digest,
    from: undefined,
    async mayRead(where) {
      if (where.domain !== domain) return false;
      const source = { ...where, requested: where.path, upstream };
      if (!mayPull(service, exchange, source)) return false;
      return !(await isRefused(service, exchange, source, digest));
    },
  };
}

function mayPull(
  { access, parts }: Service,
  { caller }: Exchange,
  repository: ServedRepository,
): boolean {
  return access.allows(caller, nameForRights(parts, repository), "pull");
}

async function isRefused(
  { parts }: Service,
  exchange: Exchange,
  repository: ServedRepository,
  digest: Digest,
): Promise<boolean> {
  try {
    return (await parts.admission?.admitBlob(repository, digest, exchange))?.allowed === false;
  } catch (error) {
    // What it is may have to be read, and is not there.
    if (error instanceof RegistryAnswerError && error.status === 404) return true;
    throw error;
  }
}
