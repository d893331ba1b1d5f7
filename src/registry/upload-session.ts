import type { Digest } from "../core/digest.ts";
import { RegistryError } from "./errors.ts";
import type { RequestBody } from "./http/contract.ts";
import { redactedUrl } from "./redact.ts";
import { resolveLocation } from "./redirects.ts";
import type { Reply } from "./reply.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";

/** From this size on, finishing an upload may take twice as long. */
const longFinishBytes = 5 * 1024 ** 3;

/** One upload at a registry — OCI distribution-spec § Pushing Blobs. Every answer may move it to another address. */
export class UploadSession {
  readonly #state: RepositoryState;
  #location: URL;
  /** The smallest piece that the registry takes, where it told. */
  readonly minPieceBytes: number;

  /** @throws {RegistryError} where the answer does not say where to upload to */
  constructor(state: RepositoryState, opened: Reply) {
    this.#state = state;
    this.#location = locationOf(state, opened);
    const told = opened.header("oci-chunk-min-length") ?? "";
    this.minPieceBytes = /^\d{1,12}$/.test(told) ? Number(told) : 0;
  }

  /** Redacted, for messages. */
  get shownLocation(): string {
    return redactedUrl(this.#location);
  }

  /** Ends the upload: `body` is what is still missing. */
  async finish(
    digest: Digest,
    size: number,
    body: RequestBody,
    signal: AbortSignal,
  ): Promise<Reply> {
    const url = new URL(this.#location);
    url.searchParams.set("digest", digest);
    return sendTo(this.#state, {
      method: "PUT",
      target: url,
      headers: { "content-type": "application/octet-stream" },
      body,
      tries: 2,
      lane: "upload",
      signal,
      headersTimeoutMs: this.#state.channel.limits.finishMs * (size > longFinishBytes ? 2 : 1),
    });
  }

  /** Adds bytes; `range` where they do not begin at 0 or come in pieces. */
  async append(body: RequestBody, range: string | undefined, signal: AbortSignal): Promise<Reply> {
    const reply = await sendTo(this.#state, {
      method: "PATCH",
      target: this.#location,
      headers: {
        "content-type": "application/octet-stream",
        ...(range !== undefined && { "content-range": range }),
      },
      body,
      tries: 1,
      lane: "upload",
      signal,
    });
    if (reply.ok) this.moveTo(reply);
    return reply;
  }

  /** How many bytes the registry holds, or undefined where the upload is lost or it does not say. */
  async status(signal: AbortSignal): Promise<number | undefined> {
    const reply = await sendTo(this.#state, {
      method: "GET",
      target: this.#location,
      lane: "metadata",
      tries: 3,
      signal,
    });
    await reply.discard();
    if (!reply.ok) return undefined;
    if (reply.header("location") !== undefined) this.moveTo(reply);
    return heldBytes(reply.header("range"));
  }

  /** Goes on where an answer says to, if it does. */
  moveTo(reply: Reply): void {
    if (reply.header("location") !== undefined) this.#location = locationOf(this.#state, reply);
  }

  /** Gives the upload up. What the registry says to it does not matter. */
  async cancel(): Promise<void> {
    try {
      const reply = await sendTo(this.#state, {
        method: "DELETE",
        target: this.#location,
        lane: "metadata",
        tries: 1,
        signal: AbortSignal.timeout(5000), // not the caller's, which may be why it is given up
      });
      await reply.discard();
    } catch {
      // the registry clears away what is left
    }
  }
}

/** `0-M`: M + 1 bytes. `0-0` is said of an empty upload too (distribution 2.8), so it counts as none. */
function heldBytes(range: string | undefined): number {
  const last = Number(/^(?:bytes=)?0-(\d{1,15})$/.exec(range?.trim() ?? "")?.[1] ?? 0);
  return last === 0 ? 0 : last + 1;
}

function locationOf(state: RepositoryState, reply: Reply): URL {
  const location = reply.header("location");
  if (location === undefined || location === "") {
    throw new RegistryError(
      "registry.bad-response",
      "determining upload URL: http: no Location header in response",
      { status: reply.status, url: redactedUrl(reply.url), isOpening: true },
    );
  }
  const { wire } = state.channel;
  return resolveLocation({
    from: reply.url,
    location,
    registry: wire.origin,
    insecure: wire.insecure,
  });
}
