import {
  type DockerReference,
  parseDockerReference,
  repositoryName,
} from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import type { End } from "../parts.ts";
import { checked, dockerImage, type SyncSource, tagsFailed } from "./sources.ts";
import type { TellSync } from "./tell.ts";

/**
 * `--src docker HOST/REPOSITORY[:TAG|@DIGEST]`: one image, or every tag that the registry lists.
 *
 * @throws {UsageError} `usage.bad-reference`; what listing fails with
 */
export async function dockerSource(
  { signal }: Pick<CommandContext, "signal">,
  end: End,
  text: string,
  tell: TellSync,
): Promise<SyncSource> {
  const named = parse(text);
  const isOne = named.tag !== undefined || named.digest !== undefined;
  tell.info("Tag presence check", { imagename: text, tagged: isOne });
  if (isOne) {
    const resolve = () => end.resolve(`docker://${text}`, "source", { signal });
    const image = async () => dockerImage(await withPrefix(badReference(text), resolve));
    return await checked({ name: text, keys: [text], image });
  }
  const source = await repositorySource(end, named, { signal, tell });
  if (source.keys.length === 0)
    throw new UsageError("usage.bad-reference", `No images to sync found in ${goQuote(text)}`);
  return source;
}

/** Every tag of a repository that `takes` takes, in the registry's order. */
export async function repositorySource(
  end: End,
  repository: DockerReference,
  {
    signal,
    tell,
    takes = () => true,
  }: {
    readonly signal: AbortSignal;
    readonly tell: TellSync;
    readonly takes?: (tag: string) => boolean;
  },
): Promise<SyncSource> {
  const name = repositoryName(repository);
  tell.info("Getting tags", { image: name });
  const { transport, reference } = await end.resolve(`docker://${name}`, "source", { signal });
  const tags = await withPrefix(tagsFailed(name), async () =>
    transport.listTags?.(reference, { signal }),
  );
  return await checked({
    name,
    keys: (tags ?? []).filter(takes),
    image: async (tag) =>
      dockerImage(await end.resolve(`docker://${name}:${tag}`, "source", { signal })),
  });
}

function parse(text: string): DockerReference {
  try {
    return parseDockerReference(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError("usage.bad-reference", `${badReference(text)}: ${error.message}`, {
      cause: error,
    });
  }
}

function badReference(text: string): string {
  return `Cannot obtain a valid image reference for transport "docker" and reference ${goQuote(text)}`;
}
