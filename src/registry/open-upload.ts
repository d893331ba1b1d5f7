import type { Digest } from "../core/digest.ts";
import { mayMount, mountPair } from "./blob-presence.ts";
import { whileOpening } from "./errors.ts";
import { checkDigest } from "./manifests.ts";
import type { Reply } from "./reply.ts";
import { isRefusal, nothing, type RepositoryState, sendTo } from "./repository-state.ts";
import { joinScopes, repositoryScope, type Scopes } from "./scope.ts";
import { UploadSession } from "./upload-session.ts";

/** What an upload is opened for. */
export interface UploadRequest {
  /** Absent where the bytes are still being made. */
  readonly digest?: Digest;
  /** Other repositories of the same registry that hold the blob, the likeliest first. */
  readonly mountFrom: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Has the registry take the blob over from where it holds it already, or opens an upload: one POST asks for both — OCI
 * distribution-spec § Mounting a blob from another repository.
 */
export async function openUpload(
  state: RepositoryState,
  request: UploadRequest,
): Promise<"mounted" | UploadSession> {
  if (request.digest === undefined) return openPlain(state, request.signal);
  const sources = request.mountFrom.filter((from) => mayMount(state, from));
  for (const from of sources.slice(0, state.channel.limits.mountsTried)) {
    const answer = await mountFrom(state, request.digest, from, request.signal);
    if (answer === "mounted") return answer;
    state.places.gone(request.digest, from);
    if (answer) return answer;
    state.capabilities.deniedMounts.add(mountPair(from, state.path));
  }
  const mounted = await mountAnonymously(state, request.digest, request.signal);
  if (mounted) return mounted;
  const session = await openPlain(state, request.signal);
  state.capabilities.anonymousMount = false; // what it refused with may have looked like a refusal of us
  return session;
}

/** Undefined where this repository cannot be mounted from, for whatever reason. */
async function mountFrom(
  state: RepositoryState,
  digest: Digest,
  from: string,
  signal: AbortSignal,
): Promise<"mounted" | UploadSession | undefined> {
  const scopes = joinScopes(state.scopes, repositoryScope(from, ["pull"]));
  try {
    const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
    const reply = await post(state, query, scopes, signal);
    if (reply.status === 401 || reply.status === 403) state.capabilities.unreadable.add(from);
    return await readOpened(state, reply, digest);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    state.capabilities.unreadable.add(from); // a token service that refuses to give a token for both
    return undefined;
  }
}

/** Undefined where the registry wants an upload opened without `mount`. */
async function mountAnonymously(
  state: RepositoryState,
  digest: Digest,
  signal: AbortSignal,
): Promise<"mounted" | UploadSession | undefined> {
  if (!state.capabilities.anonymousMount) return undefined;
  const reply = await post(state, `mount=${encodeURIComponent(digest)}`, state.scopes, signal);
  return readOpened(state, reply, digest);
}

async function openPlain(state: RepositoryState, signal: AbortSignal): Promise<UploadSession> {
  let reply = await post(state, "", state.scopes, signal);
  if (reply.status === 404 || reply.status === 401) {
    // a repository that is created by its first push may take a moment to be there (Quay)
    await reply.discard();
    await state.channel.options.clock.sleep(500, signal);
    reply = await post(state, "", state.scopes, signal);
  }
  const path = `/v2/${state.path}/blobs/uploads/`;
  if (!reply.ok) {
    const context = `initiating layer upload to ${path} in ${state.channel.options.host}`;
    throw whileOpening(await reply.toError(context));
  }
  await reply.discard();
  return new UploadSession(state, reply);
}

function post(
  state: RepositoryState,
  query: string,
  scopes: Scopes,
  signal: AbortSignal,
): Promise<Reply> {
  return sendTo(state, {
    method: "POST",
    target: `blobs/uploads/${query === "" ? "" : "?"}${query}`,
    body: nothing,
    scopes,
    lane: "metadata",
    signal,
    ...(query !== "" && { tries: 3 }), // a plain POST is still to come
  });
}

/** 201: it has the blob. 202: it takes an upload. Else undefined. */
async function readOpened(
  state: RepositoryState,
  reply: Reply,
  digest: Digest,
): Promise<"mounted" | UploadSession | undefined> {
  await reply.discard();
  if (reply.status === 201) {
    checkDigest(reply, digest, `mounting blob to ${state.name}`);
    return "mounted";
  }
  return reply.ok && reply.header("location") !== undefined
    ? new UploadSession(state, reply)
    : undefined;
}
