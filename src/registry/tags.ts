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
 * All tags, in the registry's order — OCI distribution-spec § Listing Tags. All or none: what is no longer listed may be
 * removed elsewhere.
 *
 * @throws {RegistryError} `registry.not-found` where the repository is not there; `registry.bad-response` for a name that
 * cannot be a tag, or where there is no end of pages
 */
export async function listTags(
  state: RepositoryState,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const tags = new Set<string>();
  const pages = new Set<string>();
  let page: string | undefined = `/v2/${state.path}/tags/list?n=1000`;
  while (page !== undefined && !pages.has(page)) {
    if (pages.size >= maxPages || tags.size >= maxTags) throw endless(state);
    pages.add(page);
    const before = tags.size;
    const { names, next }: Page = await readPage(state, page, signal);
    for (const tag of names) tags.add(tag);
    page = tags.size > before || names.length === 0 ? next : undefined;
  }
  return [...tags];
}

interface Page {
  readonly names: readonly string[];
  readonly next: string | undefined;
}

async function readPage(
  state: RepositoryState,
  target: string,
  signal: AbortSignal,
): Promise<Page> {
  const { reply, bytes } = await fetchDocument(state, { target, maxBytes: maxPageBytes, signal });
  if (!bytes) throw await reply.toError("fetching tags list");
  const names = parseTags(bytes, redactedUrl(reply.url));
  return { names, next: nextPage(reply.headers("link"), reply.url) };
}

function endless({ path }: RepositoryState): RegistryError {
  return new RegistryError("registry.bad-response", `the tags list of ${path} has no end`);
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
