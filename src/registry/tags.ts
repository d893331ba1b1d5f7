import { isDigest } from "../core/digest.ts";
import { ContentError } from "../core/errors.ts";
import { parseJsonText } from "../core/json-text.ts";
import { RegistryError } from "./errors.ts";
import { fetchDocument } from "./fetch-document.ts";
import { nextPage } from "./pagination.ts";
import { quoted } from "./printable.ts";
import { redactedUrl } from "./redact.ts";
import type { RepositoryState } from "./repository-state.ts";

const maxPageBytes = 32 * 1024 * 1024;
const maxPages = 10_000;
const maxTags = 5_000_000;
const tagForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * All tags, in the registry's order — OCI distribution-spec § Listing Tags.
 *
 * @throws {RegistryError} `registry.not-found` where the repository is not there; `registry.bad-response` for a name that
 * cannot be a tag
 */
export async function listTags(
  state: RepositoryState,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const tags = new Set<string>();
  const pages = new Set<string>();
  let page: string | undefined = `/v2/${state.path}/tags/list?n=1000`;
  while (page !== undefined && !pages.has(page) && pages.size < maxPages && tags.size < maxTags) {
    pages.add(page);
    const before = tags.size;
    const next: string | undefined = await readPage(state, page, tags, signal);
    page = tags.size > before ? next : undefined;
  }
  return [...tags];
}

async function readPage(
  state: RepositoryState,
  page: string,
  tags: Set<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { reply, bytes } = await fetchDocument(state, {
    target: page,
    maxBytes: maxPageBytes,
    signal,
  });
  if (!bytes) throw await reply.toError("fetching tags list");
  for (const tag of parseTags(bytes, redactedUrl(reply.url))) tags.add(tag);
  return nextPage(reply.headers("link"), reply.url);
}

/** Nexus has sent nulls, Artifactory digests: neither is a tag. */
function parseTags(bytes: Uint8Array, url: string): readonly string[] {
  const text = Buffer.from(bytes).toString();
  let tags: unknown;
  try {
    tags = JSON.parse(text)?.tags ?? [];
  } catch (cause) {
    throw new RegistryError("registry.bad-response", whyNoJson(text), { cause, url });
  }
  if (!Array.isArray(tags)) {
    throw new RegistryError(
      "registry.bad-response",
      `json: cannot unmarshal ${typeof tags === "boolean" ? "bool" : typeof tags} into Go struct field .Tags of type []string`,
      { url },
    );
  }
  return tags.filter((tag) => tag !== null && tag !== "" && !isDigest(String(tag))).map(checkTag);
}

function checkTag(tag: unknown): string {
  if (typeof tag === "string" && tagForm.test(tag)) return tag;
  throw new RegistryError(
    "registry.bad-response",
    `registry returned invalid tag ${quoted(String(tag))}: invalid tag format`,
  );
}

/** The error in skopeo's words; in JavaScript's own it would show a piece of the body. */
function whyNoJson(text: string): string {
  try {
    parseJsonText(text, { maxDepth: 1000 });
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    if (error.message !== "unexpected end of JSON input") return error.message;
    return text.trim() === "" ? "EOF" : "unexpected EOF"; // Go reads this body as a stream
  }
  return "the tags list is no JSON";
}
