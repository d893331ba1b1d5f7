import { isDigest } from "../core/digest.ts";
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
  for (;;) {
    const reply = await sendTo(state, {
      method: "DELETE",
      target: `manifests/${reference}`,
      lane: "metadata",
      signal,
    });
    if (reply.ok) return reply.discard();
    const error = await failure(reply, reference, context);
    if (!isRefusal(error) || !tryOtherScopes(state)) throw error;
  }
}

/** distribution 2.x takes a tag for a digest that is none: 400 DIGEST_INVALID. */
async function failure(reply: Reply, reference: string, context: string): Promise<RegistryError> {
  const { status } = reply;
  const error = await reply.toError(context);
  const isTagRefused = status === 400 && !isDigest(reference);
  if (status !== 405 && error.specCode !== "UNSUPPORTED" && !isTagRefused) return error;
  return underCode(error, "registry.unsupported");
}
