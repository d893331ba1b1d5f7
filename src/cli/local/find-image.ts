import { localCandidates, type ShortNameRules } from "../../config/short-names.ts";
import {
  type DockerReference,
  formatDockerReference,
  parseDockerReference,
  repositoryName,
} from "../../core/docker-reference.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { Store } from "../../storage/store.ts";
import { TransportError } from "../../transport/contract/errors.ts";
import { parseName } from "./local-image.ts";

/** An image found in a store, and by which of its names. */
export interface FoundImage {
  readonly image: ImageRecord;
  /** Absent where it was found by its ID. */
  readonly name?: string;
}

/**
 * The image that a user of podman means: by ID or the beginning of one, by a name as it is kept, by what a short name may
 * stand for, or by a name whose end is this.
 *
 * @throws {TransportError} `transport.image-not-found` in podman's words
 * @throws {UsageError} `usage.bad-reference` for what can be neither ID nor name
 */
export async function findLocalImage(
  store: Store,
  text: string,
  rules: ShortNameRules,
): Promise<FoundImage> {
  const found =
    (await findExactly(store, text)) ?? (await findByName(await store.images(), text, rules));
  if (found) return found;
  throw new TransportError("transport.image-not-found", `${text}: image not known`, {
    hint: "Run `amphora images` for what there is",
  });
}

async function findExactly(store: Store, text: string): Promise<FoundImage | undefined> {
  const image = await store.findImage(text.replace(/^sha256:/, ""));
  return image && { image, ...(image.names.includes(text) && { name: text }) };
}

async function findByName(
  images: readonly ImageRecord[],
  text: string,
  rules: ShortNameRules,
): Promise<FoundImage | undefined> {
  for (const candidate of candidatesFor(text, rules)) {
    const found = candidate.digest ? byDigest(images, candidate) : byTag(images, candidate);
    if (found) return found;
  }
  return byEnd(images, text);
}

/** @throws {UsageError} `usage.bad-reference` in podman's words, for what can be no name */
function candidatesFor(text: string, rules: ShortNameRules): readonly DockerReference[] {
  if (/^[0-9a-f]{64}$/.test(text)) return [];
  try {
    parseDockerReference(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = `parsing reference ${goQuote(text)}: ${error.message}`;
    throw new UsageError("usage.bad-reference", message, { cause: error });
  }
  try {
    return localCandidates(text, rules);
  } catch (error) {
    if (error instanceof KnownError) return []; // no name behind another registry's: `UP/app`
    throw error;
  }
}

function byTag(images: readonly ImageRecord[], wanted: DockerReference): FoundImage | undefined {
  const name = formatDockerReference({ ...wanted, tag: wanted.tag ?? "latest" });
  const image = images.find(({ names }) => names.includes(name));
  return image && { image, name };
}

function byDigest(images: readonly ImageRecord[], wanted: DockerReference): FoundImage | undefined {
  for (const image of images) {
    if (!image.digests.some((digest) => digest === wanted.digest)) continue;
    const name = image.names.find((each) => {
      const reference = parseName(each);
      return reference && repositoryName(reference) === repositoryName(wanted);
    });
    if (name !== undefined) return { image, name };
  }
  return undefined;
}

function byEnd(images: readonly ImageRecord[], text: string): FoundImage | undefined {
  const tagged = /[:@][^/]*$/.test(text) ? text : `${text}:latest`;
  for (const image of images) {
    const name = image.names.find((each) => each.endsWith(`/${tagged}`));
    if (name !== undefined) return { image, name };
  }
  return undefined;
}

/** The name as it is kept in stores: under `localhost` where it names no registry, `latest` where it has no tag. */
export function nameToKeep(text: string): string {
  const wanted = parseToKeep(text);
  return formatDockerReference({ ...wanted, tag: wanted.tag ?? "latest" });
}

function parseToKeep(text: string): DockerReference {
  const [reference] = localCandidates(text, {
    aliases: new Map(),
    unqualifiedSearchRegistries: [],
    unqualifiedSearchOrigin: "",
    shortNameMode: "disabled",
  });
  if (reference && reference.digest === undefined) return reference;
  throw new TransportError("transport.unsupported", `${text}: tag by digest not supported`);
}
