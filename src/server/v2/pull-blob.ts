import type { Digest } from "../../core/digest.ts";
import type { Caller, ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { Backend, ByteRange, OpenBlob } from "./backend.ts";
import { hintedRange, parseByteRange } from "./byte-range.ts";
import { namesDigest } from "./entity-tags.ts";
import type { Exchange, HeaderList } from "./exchange.ts";
import { forEver } from "./pull-manifest.ts";
import { demand } from "./rights.ts";
import { sendChunks } from "./send-chunks.ts";
import { sendFile } from "./send-file.ts";
import { note, type Service } from "./service.ts";
import { isForPushing, refusalAnswer } from "./verdicts.ts";

/** GET and HEAD of a blob, or of a range of one. It is broken off when it is blocked meanwhile. */
export async function pullBlob(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { digest }: { readonly digest: Digest },
): Promise<void> {
  demand(service, exchange, repository, "pull");
  await admit(service, exchange, repository, digest);
  using watch = service.parts.admission?.watch(repository, digest, exchange);
  if (watch?.blocked.aborted) throw new RegistryAnswerError("DENIED", "blocked", { status: 403 });
  const cut = () => exchange.cut();
  watch?.blocked.addEventListener("abort", cut, { once: true });
  try {
    const backend = service.parts.backendOf(repository);
    if (exchange.head || namesDigest(exchange.header("if-none-match"), digest)) {
      await answerHeaders(backend, exchange, repository, digest);
    } else {
      await answerContent(service, backend, exchange, { repository, digest });
    }
  } finally {
    watch?.blocked.removeEventListener("abort", cut);
  }
}

async function admit(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  digest: Digest,
): Promise<void> {
  const decision = await service.parts.admission?.admitBlob(repository, digest, exchange);
  if (decision === undefined || decision.allowed) return;
  if (exchange.head && isForPushing(service, exchange, repository, decision)) return;
  const { id, reason, status } = decision;
  if (status === 403) {
    note(service, exchange, repository, { type: "refused", digest, decision: id, detail: reason });
  }
  throw refusalAnswer(exchange, decision);
}

async function answerHeaders(
  backend: Backend,
  exchange: Exchange,
  repository: ServedRepository,
  digest: Digest,
): Promise<void> {
  const blob = await backend.statBlob(repository, digest, exchange);
  if (blob === undefined) throw unknown(digest);
  const headers = headersOf(digest, exchange);
  if (namesDigest(exchange.header("if-none-match"), digest)) exchange.answer(304, headers);
  else {
    exchange.begin(200, [...headers, "Content-Length", blob.size]);
    exchange.response.end();
  }
}

async function answerContent(
  service: Service,
  backend: Backend,
  exchange: Exchange,
  { repository, digest }: { repository: ServedRepository; digest: Digest },
): Promise<void> {
  const header = rangeHeader(exchange, digest);
  const call = new BlobCall(exchange, hintedRange(header));
  await using blob = await backend.openBlob(repository, digest, call);
  if (blob === undefined) throw unknown(digest);
  const range = parseByteRange(header, blob.size);
  if (range === "unsatisfiable") throw unsatisfiable(blob.size);
  beginContent(exchange, digest, range, blob.size);
  await send(service, exchange, blob, range === "whole" ? { start: 0, end: blob.size } : range);
}

/**
 * The call that a backend is given. A class, since V8 gives each object literal with an accessor a shape of its own, which
 * keeps the whole exchange until all of the heap is collected.
 */
class BlobCall implements ServerCall {
  readonly caller: Caller;
  readonly hops: number;
  readonly range?: ByteRange;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange, range: ByteRange | undefined) {
    this.#exchange = exchange;
    this.caller = exchange.caller;
    this.hops = exchange.hops;
    if (range) this.range = range;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}

/** If-Range with another validator asks for the whole — RFC 9110 § 13.1.5. */
function rangeHeader(exchange: Exchange, digest: Digest): string | undefined {
  const condition = exchange.header("if-range");
  const holds = condition === undefined || condition.trim() === `"${digest}"`;
  return holds ? exchange.header("range") : undefined;
}

function beginContent(
  exchange: Exchange,
  digest: Digest,
  range: ByteRange | "whole",
  size: number,
): void {
  const headers = headersOf(digest, exchange);
  if (range === "whole") {
    exchange.begin(200, [...headers, "Content-Length", size]);
    return;
  }
  const { start, end } = range;
  const told = `bytes ${start}-${end - 1}/${size}`;
  exchange.begin(206, [...headers, "Content-Length", end - start, "Content-Range", told]);
}

async function send(
  { buffers }: Service,
  exchange: Exchange,
  blob: OpenBlob,
  range: ByteRange,
): Promise<void> {
  const { response } = exchange;
  const whole =
    blob.descriptor === undefined
      ? await sendChunks(response, blob.read(range, exchange.signal))
      : await sendFile(response, blob.descriptor, range, buffers);
  if (whole) exchange.sentBytes += range.end - range.start;
}

function headersOf(digest: Digest, { caller }: Exchange): HeaderList {
  return [
    "Content-Type",
    "application/octet-stream",
    "Docker-Content-Digest",
    digest,
    "ETag",
    `"${digest}"`,
    "Accept-Ranges",
    "bytes",
    "Cache-Control",
    forEver(caller.user),
  ];
}

function unknown(digest: Digest): RegistryAnswerError {
  const message = "blob unknown to registry";
  return new RegistryAnswerError("BLOB_UNKNOWN", message, { status: 404, detail: { digest } });
}

function unsatisfiable(size: number): RegistryAnswerError {
  return new RegistryAnswerError("RANGE_INVALID", "the range is not of this blob", {
    status: 416,
    headers: { "Content-Range": `bytes */${size}` },
  });
}
