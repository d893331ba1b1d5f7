import { createHash } from "node:crypto";
import type { Descriptor } from "../core/descriptor.ts";
import { type Digest, parseDigest } from "../core/digest.ts";
import type { NewBlob } from "../stream/blob-stream.ts";
import { holdsBlob } from "./blob-presence.ts";
import { RegistryError, underCode } from "./errors.ts";
import { checkDigest } from "./manifests.ts";
import { openUpload } from "./open-upload.ts";
import { PieceWriter } from "./piece-writer.ts";
import { isToBeRepeated } from "./redirects.ts";
import { knowWritten, nothing, type RepositoryState } from "./repository-state.ts";
import { SourceTap } from "./source-tap.ts";
import type { UploadSession } from "./upload-session.ts";

/**
 * Writes a blob whose digest is known at its end: POST, one PATCH with all its bytes, PUT. What fails in the middle cannot
 * be tried again, since the bytes are made only once.
 *
 * @throws {RegistryError} `registry.source-failed`, `registry.upload-failed`, …; `retryable` where making the blob again
 * may help
 */
export async function writeNewBlob(
  state: RepositoryState,
  blob: NewBlob,
  signal: AbortSignal,
): Promise<Descriptor> {
  const session = await openUpload(state, { mountFrom: [], signal });
  if (session === "mounted") throw new RegistryError("registry.bad-response", "nothing to mount");
  const hash = createHash("sha256");
  const tap = new SourceTap(blob, state.channel.options.clock, (chunk) => hash.update(chunk));
  try {
    await send(state, session, { tap, size: blob.size, signal });
    const digest = parseDigest(`sha256:${hash.digest("hex")}`);
    const written = { mediaType: blob.mediaType, digest, size: tap.sent };
    await finish(state, session, written, signal);
    knowWritten(state, digest);
    return written;
  } catch (error) {
    await session.cancel();
    signal.throwIfAborted();
    tap.throwSourceFailure();
    throw error;
  }
}

interface Sending {
  readonly tap: SourceTap;
  readonly size: number | undefined;
  readonly signal: AbortSignal;
}

async function send(
  state: RepositoryState,
  session: UploadSession,
  { tap, size, signal }: Sending,
): Promise<void> {
  const { pieceBytes } = state.capabilities;
  if (pieceBytes !== undefined) {
    const pieces = new PieceWriter(state, session, 0, signal);
    return pieces.write(tap, Math.max(pieceBytes, session.minPieceBytes));
  }
  const body = { bytes: tap, ...(size !== undefined && { length: size }) };
  const reply = await session.append(body, undefined, signal);
  if (reply.ok) return reply.discard();
  // Too long, of unknown length, or to be sent again elsewhere: pieces are held until they have arrived.
  const inPieces = reply.status === 413 || reply.status === 411 || isToBeRepeated(reply);
  if (inPieces) state.capabilities.pieceBytes = state.channel.limits.chunkBytes;
  const error = await reply.toError("uploading layer chunked");
  const final = error.code === "registry.denied" || error.code === "registry.unsupported";
  throw underCode(error, final ? error.code : "registry.upload-failed", !final);
}

async function finish(
  state: RepositoryState,
  session: UploadSession,
  written: Descriptor & { readonly digest: Digest },
  signal: AbortSignal,
): Promise<void> {
  const where = session.shownLocation;
  const reply = await session.finish(written.digest, written.size, nothing, signal);
  if (reply.ok) {
    await reply.discard();
    return checkDigest(reply, written.digest, "writing blob");
  }
  const error = await reply.toError(`uploading layer to ${where}`);
  // the answer to an earlier try of the same request may have been lost
  if (!(await holdsBlob(state, written, signal))) throw error;
}
