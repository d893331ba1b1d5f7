import type { CopyEnd, CopyResult } from "../copy/copy.ts";
import { repositoryName } from "../core/docker-reference.ts";
import { KnownError } from "../core/errors.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";

/** So many names in a row that were free make it worth asking for all that are taken. */
const enough = 4;
/** Repositories kept in mind; of one forgotten, names are asked after again. */
const mostRepositories = 64;

interface Known {
  free: number;
  taken?: Set<string>;
}

/**
 * Which names of a destination repository are free, so that nobody asks after each: where a mirror is filled for the first
 * time, one list stands for hundreds of questions. Where all is there already nothing is listed.
 */
export class FreeNames {
  readonly #repositories = new Map<string, Known>();
  /** The one used last: most images are of the same as the one before. */
  #last: { readonly repository: string; readonly known: Known } | undefined;

  /** Whether it is known already; without waiting. */
  isFree({ reference: { docker } }: CopyEnd): boolean {
    if (docker?.tag === undefined) return false;
    const taken = this.#repositories.get(repositoryName(docker))?.taken;
    return taken !== undefined && !taken.has(docker.tag);
  }

  /** Takes note of how a copy went, which tells whether its name was free. */
  note(to: CopyEnd, { unchanged, previous }: CopyResult, call: CallOptions): void {
    const { docker } = to.reference;
    if (docker?.tag === undefined || !to.transport.listTags) return;
    const known = this.#of(repositoryName(docker));
    known.taken?.add(docker.tag);
    known.free = unchanged || previous !== undefined ? 0 : known.free + 1;
    if (known.free !== enough) return;
    this.#list(to, known, call).catch(() => {}); // whoever wants to know asks after his own name, and is told
  }

  async #list({ transport, reference }: CopyEnd, known: Known, call: CallOptions): Promise<void> {
    try {
      known.taken = new Set(await transport.listTags?.(reference, call));
    } catch (error) {
      if (!(error instanceof KnownError) || error.code !== "registry.not-found") throw error;
      known.taken = new Set(); // not even the repository is there
    }
  }

  #of(repository: string): Known {
    if (this.#last?.repository === repository) return this.#last.known;
    const known = this.#repositories.get(repository) ?? { free: 0 };
    this.#repositories.delete(repository);
    this.#repositories.set(repository, known);
    const [first] = this.#repositories.keys();
    if (this.#repositories.size > mostRepositories && first !== undefined) {
      this.#repositories.delete(first);
    }
    this.#last = { repository, known };
    return known;
  }
}
