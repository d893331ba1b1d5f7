import { RegistryError } from "./errors.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";
import { repositoryScope, type Scopes } from "./scope.ts";

/**
 * Deletes a manifest by digest, and with it every tag of it; or a tag alone — OCI distribution-spec § Deleting tags.
 *
 * @throws {RegistryError} `registry.not-found`; `registry.unsupported` where the registry does not delete, or not by tag
 */
export async function deleteManifest(
  state: RepositoryState,
  reference: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await send(state, reference, state.scopes, signal);
  } catch (error) {
    if (!(error instanceof RegistryError) || !isRefusal(error)) throw error;
    // Quay and others give no token for "*"
    await send(state, reference, repositoryScope(state.path, ["pull", "push", "delete"]), signal);
  }
}

function isRefusal({ code }: RegistryError): boolean {
  return code === "registry.unauthorized" || code === "registry.denied";
}

async function send(
  state: RepositoryState,
  reference: string,
  scopes: Scopes,
  signal: AbortSignal,
): Promise<void> {
  const reply = await sendTo(state, {
    method: "DELETE",
    target: `manifests/${reference}`,
    scopes,
    lane: "metadata",
    signal,
  });
  if (reply.ok) return reply.discard();
  const { status } = reply;
  const error = await reply.toError(`deleting ${reference} in ${state.name}`);
  const unsupported = status === 405 || error.specCode === "UNSUPPORTED";
  throw unsupported
    ? new RegistryError("registry.unsupported", error.message, { status, entries: error.entries })
    : error;
}
