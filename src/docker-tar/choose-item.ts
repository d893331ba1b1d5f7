import {
  type DockerReference,
  formatDockerReference,
  parseDockerReference,
} from "../core/docker-reference.ts";
import { KnownError } from "../core/errors.ts";
import { goQuote } from "../core/go-quote.ts";
import { DockerTarError, invalid } from "./errors.ts";
import type { ManifestItem } from "./manifest-file.ts";

/** Which image of an archive is meant; neither means the only one there is. */
export interface ItemChoice {
  /** With its tag. */
  readonly name?: DockerReference;
  /** From 0. */
  readonly position?: number;
}

/** @throws {DockerTarError} `docker-tar.no-choice`, or `docker-tar.invalid` for a name that is none */
export function chooseItem(items: readonly ManifestItem[], choice: ItemChoice): ManifestItem {
  const { name, position } = choice;
  if (name) return byName(items, formatDockerReference(name));
  if (position !== undefined) return byPosition(items, position);
  const [only] = items;
  if (only && items.length === 1) return only;
  throw new DockerTarError(
    "docker-tar.no-choice",
    `Unexpected tar manifest.json: expected 1 item, got ${items.length}`,
    { ...hintAt(items) },
  );
}

function byName(items: readonly ManifestItem[], wanted: string): ManifestItem {
  for (const [position, item] of items.entries()) {
    for (const tag of item.repoTags) {
      const where = `manifest.json item @${position}`;
      if (formatDockerReference(parseTag(tag, where)) === wanted) return item;
    }
  }
  throw new DockerTarError("docker-tar.no-choice", `Tag ${goQuote(wanted)} not found`, {
    ...hintAt(items),
  });
}

function byPosition(items: readonly ManifestItem[], position: number): ManifestItem {
  const item = items[position];
  if (item) return item;
  throw new DockerTarError(
    "docker-tar.no-choice",
    `Invalid source index @${position}, only ${items.length} manifest items available`,
    { ...hintAt(items) },
  );
}

const mostInHint = 5;

function hintAt(items: readonly ManifestItem[]): { readonly hint?: string } {
  const names = items.map(({ repoTags }, position) => repoTags[0] ?? `@${position}`);
  if (names.length === 0) return {};
  const more = names.length > mostInHint ? ", …" : "";
  return { hint: `Name one of ${names.slice(0, mostInHint).join(", ")}${more}` };
}

/**
 * The names of all images, as they are written; `@position` for those without any.
 *
 * @throws {DockerTarError} `docker-tar.invalid` for a name that is none, or has no tag
 */
export function listNames(items: readonly ManifestItem[]): readonly string[] {
  return items.flatMap(({ repoTags }, position) => {
    for (const tag of repoTags) checkTagged(tag, `manifest item @${position}`);
    return repoTags.length > 0 ? repoTags : [`@${position}`];
  });
}

function checkTagged(text: string, where: string): void {
  const reference = parseTag(text, where);
  if (reference.tag !== undefined) return;
  const name = formatDockerReference(reference);
  throw invalid(`Invalid tag ${goQuote(text)} (${name}): does not contain a tag`);
}

function parseTag(text: string, where: string): DockerReference {
  try {
    return parseDockerReference(text);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw invalid(`Invalid tag ${goQuote(text)} in ${where}: ${error.message}`, error);
  }
}
