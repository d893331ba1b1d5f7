import { KnownError } from "../core/errors.ts";
import { RegistryError } from "./errors.ts";
import { redactedUrl } from "./redact.ts";
import type { Reply } from "./reply.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";
import type { Scopes } from "./scope.ts";

/** A GET of something that fits into memory. */
export interface DocumentRequest {
  /** As in {@link sendTo}. */
  readonly target: string;
  readonly accept?: string;
  readonly maxBytes: number;
  /** Where they are not the repository's. */
  readonly scopes?: Scopes;
  readonly signal: AbortSignal;
}

/** A small document as answered: its bytes where the status is 200, else an answer for the caller to judge. */
export type FetchedDocument =
  | { readonly reply: Reply; readonly bytes: Uint8Array }
  | { readonly reply: Reply; readonly bytes?: undefined };

/**
 * GETs a small document, again where its body breaks off.
 *
 * @throws {ContentError} `content.too-large`
 */
export async function fetchDocument(
  state: RepositoryState,
  request: DocumentRequest,
): Promise<FetchedDocument> {
  const { options } = state.channel;
  for (let attempt = 1; ; attempt++) {
    const reply = await sendTo(state, {
      method: "GET",
      target: request.target,
      lane: "metadata",
      signal: request.signal,
      ...(request.scopes && { scopes: request.scopes }),
      ...(request.accept !== undefined && { headers: { accept: request.accept } }),
    });
    if (reply.status !== 200) return { reply }; // others of 2xx, 206 above all, do not say that this is the whole
    refuseEncoding(reply);
    try {
      return { reply, bytes: await reply.bytes(request.maxBytes) };
    } catch (error) {
      request.signal.throwIfAborted();
      if (!(error instanceof KnownError) || !error.retryable) throw error;
      if (attempt >= 4) throw brokenOff(error, reply);
      await options.clock.sleep(100 * attempt, request.signal);
    }
  }
}

/**
 * Compressed transfer is never asked for; what is compressed all the same would not hash to its digest.
 *
 * @throws {RegistryError} `registry.bad-response`
 */
export function refuseEncoding(reply: Reply): void {
  const encoding = reply.header("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "") return;
  throw new RegistryError(
    "registry.bad-response",
    `${redactedUrl(reply.url)} was answered with a content encoding, which was not asked for`,
    { url: redactedUrl(reply.url), status: reply.status },
  );
}

/** A body that broke off, as an error of the registry. */
export function brokenOff(error: KnownError, reply: Reply): RegistryError {
  return new RegistryError("registry.unreachable", error.message, {
    cause: error,
    retryable: true,
    method: reply.method,
    url: redactedUrl(reply.url),
  });
}
