import { type Digest, isDigest } from "../core/digest.ts";
import { type RegistryError, underCode } from "./errors.ts";
import type { ManifestCallOptions } from "./manifests.ts";
import type { Reply } from "./reply.ts";
import { isRefusal, type RepositoryState, sendTo, tryOtherScopes } from "./repository-state.ts";

/**
 * Deletes a manifest by digest, and with it every tag of it; or a tag alone — OCI distribution-spec § Deleting tags.
 *
 * @throws {RegistryError} `registry.not-found`; `registry.unsupported` where the registry does not delete, or not by tag
 */
export async function deleteManifest(
  state: RepositoryState,
  reference: string,
  { signal, context = `deleting ${reference} in ${state.name}` }: ManifestCallOptions,
): Promise<void> {
  // distribution 2.x takes a tag for a digest that is none: 400 DIGEST_INVALID.
  const isTagRefused = (status: number) => status === 400 && !isDigest(reference);
  await remove(state, `manifests/${reference}`, { signal, context, isUnsupported: isTagRefused });
}

/**
 * Deletes a blob, whatever names it — OCI distribution-spec § Deleting Blobs.
 *
 * @throws {RegistryError} `registry.not-found`; `registry.unsupported` where the registry does not delete blobs
 */
export async function deleteBlob(
  state: RepositoryState,
  digest: Digest,
  signal: AbortSignal,
): Promise<void> {
  state.contents.held.delete(digest);
  state.places.gone(digest, state.path);
  const context = `deleting blob ${digest} in ${state.name}`;
  await remove(state, `blobs/${digest}`, { signal, context, isUnsupported: () => false });
}

interface Removal {
  readonly signal: AbortSignal;
  readonly context: string;
  /** Statuses by which a registry says that it does not do this, besides 405. */
  isUnsupported(status: number): boolean;
}

async function remove(state: RepositoryState, target: string, removal: Removal): Promise<void> {
  const { signal, context, isUnsupported } = removal;
  for (;;) {
    const reply = await sendTo(state, { method: "DELETE", target, lane: "metadata", signal });
    if (reply.ok) return reply.discard();
    const error = await failure(reply, context, isUnsupported);
    if (!isRefusal(error) || !tryOtherScopes(state)) throw error;
  }
}

async function failure(
  reply: Reply,
  context: string,
  isUnsupported: (status: number) => boolean,
): Promise<RegistryError> {
  const { status } = reply;
  const error = await reply.toError(context);
  if (status !== 405 && error.specCode !== "UNSUPPORTED" && !isUnsupported(status)) return error;
  return underCode(error, "registry.unsupported");
}
