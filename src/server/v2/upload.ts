import type { Digest } from "../../core/digest.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { UploadPiece, UploadState } from "./backend.ts";
import { parseSentRange } from "./byte-range.ts";
import type { Exchange, HeaderList } from "./exchange.ts";
import type { RepositoryOperation } from "./operation.ts";
import { announcedLength, requestBody } from "./request-body.ts";
import { demand } from "./rights.ts";
import type { Service } from "./service.ts";

/** An operation on an upload, as the client wrote its path. */
export type UploadOperation<Extra> = Pick<RepositoryOperation, "path" | "query"> & Extra;

/** PATCH: the next bytes. */
export async function appendUpload(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: UploadOperation<{ readonly id: string }>,
): Promise<void> {
  demand(service, exchange, repository, "push");
  const backend = service.parts.backendOf(repository);
  const { id } = operation;
  const state = await tellingRange(service, exchange, repository, operation, async () => {
    const piece = await pieceOf(service, exchange, repository, id);
    return await backend.appendUpload(repository, id, piece, exchange);
  });
  exchange.answer(202, uploadHeaders(operation, state));
}

/** PUT: the last bytes, if there are more, and what all of them must be. */
export async function finishUpload(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: UploadOperation<{ readonly id: string; readonly digest: Digest }>,
): Promise<void> {
  demand(service, exchange, repository, "push");
  const backend = service.parts.backendOf(repository);
  const { id, digest } = operation;
  await tellingRange(service, exchange, repository, operation, async () => {
    const piece = await pieceOf(service, exchange, repository, id);
    return await backend.finishUpload(repository, id, { ...piece, digest }, exchange);
  });
  exchange.answer(201, blobHeaders(operation, digest));
}

/** GET: how far it is. */
export async function readUpload(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: UploadOperation<{ readonly id: string }>,
): Promise<void> {
  demand(service, exchange, repository, "push");
  const backend = service.parts.backendOf(repository);
  const state = await backend.readUpload(repository, operation.id, exchange);
  if (state === undefined) throw unknown();
  exchange.answer(204, uploadHeaders(operation, state));
}

/** DELETE: nothing is left of it. */
export async function cancelUpload(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { id }: { readonly id: string },
): Promise<void> {
  demand(service, exchange, repository, "push");
  const backend = service.parts.backendOf(repository);
  if (!(await backend.cancelUpload(repository, id, exchange))) throw unknown();
  exchange.answer(204, []);
}

/**
 * The body, and which bytes the client says they are. What does not go on where the upload ends is answered 416 even where
 * its length is wrong too, as in distribution: clients can go on from that.
 */
async function pieceOf(
  { limits, parts }: Service,
  exchange: Exchange,
  repository: ServedRepository,
  id: string,
): Promise<UploadPiece> {
  const body = requestBody(exchange, limits.maxBlobBytes);
  const range = parseSentRange(exchange.header("content-range"));
  if (range === undefined) return { body };
  if (range !== "bad") {
    const length = range.last - range.first + 1;
    if ((announcedLength(exchange) ?? length) === length) return { body, range };
    const held = await parts.backendOf(repository).readUpload(repository, id, exchange);
    if (held === undefined) throw unknown();
    if (range.first !== held.size) {
      throw new RegistryAnswerError("RANGE_INVALID", "upload ends elsewhere", { status: 416 });
    }
  }
  const message = "Content-Range does not tell the bytes that are sent";
  throw new RegistryAnswerError("BLOB_UPLOAD_INVALID", message, { status: 400 });
}

/** A 416 says what is held, so that the client can go on from there. */
async function tellingRange<T>(
  { parts }: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: UploadOperation<{ readonly id: string }>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RegistryAnswerError && error.status === 416)) throw error;
    const { id } = operation;
    const state = await parts.backendOf(repository).readUpload(repository, id, exchange);
    if (state === undefined) throw unknown();
    const { code, message, status, detail } = error;
    const told = pairs(uploadHeaders(operation, state));
    throw new RegistryAnswerError(code, message, { status, detail, headers: told });
  }
}

function pairs(list: HeaderList): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < list.length; at += 2) found[String(list[at])] = String(list[at + 1]);
  return found;
}

/** Where an upload goes on, and what is held. `0-0` stands for nothing as well, as in distribution. */
export function uploadHeaders(operation: UploadOperation<unknown>, state: UploadState): HeaderList {
  return [
    "Location",
    located(operation, `blobs/uploads/${state.id}`),
    "Range",
    `0-${Math.max(state.size - 1, 0)}`,
    "Docker-Upload-UUID",
    state.id,
  ];
}

/** Where a blob that has been kept is. */
export function blobHeaders(operation: UploadOperation<unknown>, digest: Digest): HeaderList {
  return ["Location", located(operation, `blobs/${digest}`), "Docker-Content-Digest", digest];
}

/** A path below the repository, with `ns` where the client has said it. */
export function located({ path, query }: UploadOperation<unknown>, rest: string): string {
  const namespace = query.get("ns");
  const suffix = namespace === undefined ? "" : `?ns=${encodeURIComponent(namespace)}`;
  return `${path}/${rest}${suffix}`;
}

function unknown(): RegistryAnswerError {
  const message = "blob upload unknown to registry";
  return new RegistryAnswerError("BLOB_UPLOAD_UNKNOWN", message, { status: 404 });
}
