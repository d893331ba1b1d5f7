import { isDigest } from "../../core/digest.ts";
import { type DockerReference, parseDockerReference } from "../../core/docker-reference.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import type { End } from "../parts.ts";
import { repositorySource } from "./docker-source.ts";
import type { RegistryWish } from "./skopeo-yaml.ts";
import { checked, dockerImage, type Listing, type SyncSource } from "./sources.ts";
import type { TagChoice } from "./tag-choice.ts";
import type { TellSync } from "./tell.ts";

/** Some repository of a file, read and checked, with what is to be taken of it. */
interface RepositoryWish {
  readonly registry: string;
  readonly repository: string;
  readonly reference: DockerReference;
  /** Tags and digests, or which of the registry's tags. */
  readonly takes: readonly string[] | ((tag: string) => boolean);
}

/** A file whose every line can be meant: what is wrong with it was told, and `isBad`. */
interface CheckedWishes {
  readonly wishes: readonly (RepositoryWish | EmptyRegistry)[];
  readonly isBad: boolean;
}

interface EmptyRegistry {
  readonly registry: string;
  readonly repository?: undefined;
}

/**
 * Reads what skopeo reads only on its way, and passes over with a line: names, tags, expressions, constraints. All of it is
 * told, in skopeo's words, before anything is asked for.
 */
export function checkWishes(
  registries: readonly RegistryWish[],
  choice: TagChoice,
  tell: TellSync,
): CheckedWishes {
  const checker = new Checker(choice, tell);
  return { wishes: registries.flatMap((each) => checker.registry(each)), isBad: checker.isBad };
}

class Checker {
  isBad = false;
  readonly #choice: TagChoice;
  readonly #tell: TellSync;

  constructor(choice: TagChoice, tell: TellSync) {
    this.#choice = choice;
    this.#tell = tell;
  }

  registry(wish: RegistryWish): readonly (RepositoryWish | EmptyRegistry)[] {
    const { name, images, imagesByTagRegex, imagesBySemver } = wish;
    if (images.length + imagesByTagRegex.length + imagesBySemver.length === 0)
      return [{ registry: name }];
    return [
      ...images.flatMap(([repository, references]) =>
        this.#repository(name, repository, () => this.#references(references)),
      ),
      ...imagesByTagRegex.flatMap(([repository, pattern]) =>
        this.#repository(name, repository, () => this.#choice.byRegex(pattern)),
      ),
      ...imagesBySemver.flatMap(([repository, constraint]) =>
        this.#repository(name, repository, () => this.#choice.bySemver(constraint)),
      ),
    ];
  }

  #repository(
    registry: string,
    repository: string,
    takes: () => RepositoryWish["takes"],
  ): readonly RepositoryWish[] {
    const reference = this.#try(
      () => parseRepository(`${registry}/${repository}`),
      () =>
        this.#tell.error("Error parsing repository name, skipping", { registry, repo: repository }),
    );
    const taken = this.#try(takes);
    if (!reference || !taken) return [];
    return [{ registry, repository, reference, takes: taken }];
  }

  #references(references: readonly string[]): RepositoryWish["takes"] {
    if (references.length === 0) return () => true;
    for (const ref of references)
      this.#try(
        () => checkReference(ref),
        () => this.#tell.error("Error parsing ref, skipping", { ref }),
      );
    return references;
  }

  #try<T>(read: () => T, introduce: () => void = () => {}): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      introduce();
      this.#tell.error(error.message);
      this.isBad = true;
      return undefined;
    }
  }
}

/** Lists what the wishes come to; what cannot be listed is told, and the rest is listed. */
export async function yamlSources(
  { signal }: Pick<CommandContext, "signal">,
  wishes: CheckedWishes["wishes"],
  endOf: (registry: string) => Promise<End>,
  tell: TellSync,
): Promise<Listing> {
  const sources: SyncSource[] = [];
  let isIncomplete = false;
  for (const wish of wishes) {
    if (wish.repository === undefined) {
      tell.warning("No images specified for registry", { registry: wish.registry });
      continue;
    }
    const about = { registry: wish.registry, repo: wish.repository };
    try {
      const source = await sourceOf(wish, await endOf(wish.registry), signal, tell);
      if (source.keys.length > 0) sources.push(source);
      else tell.warning("No refs to sync found", about);
    } catch (error) {
      if (!(error instanceof KnownError) || signal.aborted) throw error;
      tell.error("Error processing repo, skipping", about);
      tell.error(error.message);
      isIncomplete = true;
    }
  }
  return { sources, isIncomplete };
}

async function sourceOf(
  { registry, repository, reference, takes }: RepositoryWish,
  end: End,
  signal: AbortSignal,
  tell: TellSync,
): Promise<SyncSource> {
  const about = { registry, repo: repository };
  tell.info("Processing repo", about);
  if (typeof takes === "function") {
    tell.info("Querying registry for image tags", about);
    return await repositorySource(end, reference, { signal, tell, takes });
  }
  const name = `${reference.domain}/${reference.path}`;
  return await checked({
    name,
    keys: takes,
    async image(key) {
      const text = `docker://${name}${isDigest(key) ? "@" : ":"}${key}`;
      return dockerImage(await end.resolve(text, "source", { signal }));
    },
  });
}

function parseRepository(text: string): DockerReference {
  const reference = parseDockerReference(text);
  if (reference.tag === undefined && reference.digest === undefined) return reference;
  throw bad("input names a reference, not a repository");
}

function checkReference(text: string): void {
  if (isDigest(text) || /^\w[\w.-]{0,127}$/.test(text)) return;
  throw bad("invalid tag format");
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-reference", message);
}
