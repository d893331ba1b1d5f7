import { RegistryError } from "./errors.ts";
import { type FetchedDocument, fetchDocument } from "./fetch-document.ts";
import { nextPage } from "./pagination.ts";
import { quoted } from "./printable.ts";
import { redactedUrl } from "./redact.ts";
import type { RepositoryState } from "./repository-state.ts";
import type { Scopes } from "./scope.ts";

const maxPageBytes = 32 * 1024 * 1024;
const maxPages = 10_000;
const maxRepositories = 1_000_000;
const pathForm =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const firstPage = "/v2/_catalog?n=1000";
const scopes: Scopes = new Map([["registry:catalog", new Set(["*"])]]);

/**
 * The repositories of a whole registry, in its order, as distribution's `/v2/_catalog` tells them, over the client of one
 * of them.
 *
 * @throws {RegistryError} `registry.unsupported` where there is no catalog, or not for these credentials;
 *   `registry.bad-response` for a name that cannot be a repository's
 */
export async function listCatalog(
  state: RepositoryState,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = new Set<string>();
  const asked = new Set<string>();
  let page: string | undefined = firstPage;
  while (page !== undefined && !asked.has(page)) {
    asked.add(page);
    const before = found.size;
    const next: string | undefined = await readPage(state, page, found, signal);
    page = found.size > before || page === firstPage ? next : undefined;
    if (asked.size > maxPages || found.size > maxRepositories)
      throw new RegistryError(
        "registry.bad-response",
        `the catalog of ${hostOf(state)} has no end`,
      );
  }
  return [...found];
}

async function readPage(
  state: RepositoryState,
  page: string,
  found: Set<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { reply, bytes } = await fetchPage(state, page, signal);
  if (!bytes && reply.status === 400 && page === firstPage) {
    await reply.discard(); // fewer to a page than we asked for
    return "/v2/_catalog";
  }
  if (!bytes) throw await noCatalog(state, reply.toError("fetching the catalog"));
  for (const path of parsePage(bytes, redactedUrl(reply.url))) found.add(path);
  return nextPage(reply.headers("link"), reply.url);
}

async function fetchPage(
  state: RepositoryState,
  page: string,
  signal: AbortSignal,
): Promise<FetchedDocument> {
  try {
    return await fetchDocument(state, { target: page, maxBytes: maxPageBytes, scopes, signal });
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw await noCatalog(state, error);
  }
}

/** Many registries have none, and say so in their own ways; Docker Hub gives nobody the right. */
async function noCatalog(
  state: RepositoryState,
  told: RegistryError | Promise<RegistryError>,
): Promise<RegistryError> {
  const error = await told;
  const { status } = error;
  const isRefused = error.code === "registry.unauthorized" || error.code === "registry.denied";
  const isMissing = status === 404 || status === 405 || status === 400 || status === 501;
  if (!isRefused && !isMissing) return error;
  const why = isRefused
    ? "does not show its catalog of repositories"
    : "has no catalog of repositories";
  return new RegistryError("registry.unsupported", `${hostOf(state)} ${why}: ${error.message}`, {
    cause: error,
    hint: "Name the repositories instead of patterns",
    ...(status !== undefined && { status }),
  });
}

function parsePage(bytes: Uint8Array, url: string): readonly string[] {
  let listed: unknown;
  try {
    listed = JSON.parse(Buffer.from(bytes).toString())?.repositories ?? [];
  } catch (cause) {
    throw new RegistryError("registry.bad-response", "the catalog is no JSON", { cause, url });
  }
  if (!Array.isArray(listed))
    throw new RegistryError("registry.bad-response", "the catalog is no list of names", { url });
  return listed.map((path) => checkedPath(path, url));
}

function checkedPath(path: unknown, url: string): string {
  if (typeof path === "string" && path.length <= 255 && pathForm.test(path)) return path;
  throw new RegistryError(
    "registry.bad-response",
    `registry returned invalid repository ${quoted(String(path))}`,
    { url },
  );
}

function hostOf({ channel }: RepositoryState): string {
  return channel.options.host;
}
