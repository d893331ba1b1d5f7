import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { mediaTypes } from "../core/media-type.ts";
import type { RegistryError } from "./errors.ts";
import { fetchDocument } from "./fetch-document.ts";
import { nextPage } from "./pagination.ts";
import { descriptorsOf, parseReferrerList } from "./referrer-list.ts";
import { fetchTag } from "./referrers-tag.ts";
import type { RepositoryState } from "./repository-state.ts";

const maxPageBytes = 4 * 1024 * 1024;
/** No more pages are asked for once so many are known. */
const enough = 10_000;

/**
 * The manifests that have `subject` as theirs, by the API or, where there is none, by the fallback tag; empty where there
 * are none — OCI distribution-spec § Listing Referrers.
 */
export async function readReferrers(
  state: RepositoryState,
  subject: Digest,
  options: { readonly artifactType?: string; readonly signal: AbortSignal },
): Promise<readonly Descriptor[]> {
  const { artifactType, signal } = options;
  const all =
    (await byApi(state, subject, artifactType, signal)) ?? (await byTag(state, subject, signal));
  return all.filter((item) => artifactType === undefined || item.artifactType === artifactType);
}

/** Undefined where the registry has no such API; what it answers then is anything. */
async function byApi(
  state: RepositoryState,
  subject: Digest,
  artifactType: string | undefined,
  signal: AbortSignal,
): Promise<readonly Descriptor[] | undefined> {
  const { capabilities } = state;
  if (capabilities.referrers === false) return undefined;
  const query =
    artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const found: Descriptor[] = [];
  const pages = new Set<string>();
  let page: string | undefined = `/v2/${state.path}/referrers/${subject}${query}`;
  while (page !== undefined && !pages.has(page) && found.length <= enough) {
    pages.add(page);
    const { reply, bytes } = await fetchDocument(state, {
      target: page,
      maxBytes: maxPageBytes,
      signal,
    });
    const list = bytes && parseReferrerList(bytes);
    if (!list) {
      const told = await reply.toError(`reading referrers of ${subject} in ${state.name}`);
      if (isNoAnswer(told, capabilities.referrers === true)) throw told;
      // what is said of one repository, or once, tells nothing of the API
      if (told.entries.length === 0 && reply.status !== 500) capabilities.referrers ??= false;
      return undefined;
    }
    capabilities.referrers = true;
    found.push(...descriptorsOf(list));
    page = nextPage(reply.headers("link"), reply.url);
  }
  return found;
}

/** Whether a failure is one, and not the way in which a registry says that it has no such API: old ones have said 500. */
function isNoAnswer({ status = 0 }: RegistryError, hasApi: boolean): boolean {
  return [401, 403, 429, 502, 503, 504].includes(status) || (status === 500 && hasApi);
}

/** Undefined entries aside; what is no list lists nothing. */
async function byTag(
  state: RepositoryState,
  subject: Digest,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const bytes = await fetchTag(state, subject, mediaTypes.ociIndex, signal);
  const list = bytes && parseReferrerList(bytes);
  return list ? descriptorsOf(list) : [];
}
