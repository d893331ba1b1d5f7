import type { HttpLookasideOptions } from "../../../sigstore/lookaside/lookaside-client.ts";
import { openLookaside } from "../../../sigstore/lookaside/open-lookaside.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { SignatureOrigin } from "./origin.ts";
import type { SignaturesSettings } from "./settings.ts";

/** The look-asides that the configuration names for a repository, in its order. */
export function createSources(
  sources: SignaturesSettings["sources"],
  options: HttpLookasideOptions,
): (repository: ServedRepository) => readonly SignatureOrigin[] {
  const opened = sources.map(({ repositories, lookaside }) => ({
    repositories,
    where: lookaside,
    store: openLookaside(lookaside, options, false),
  }));
  return (repository) => {
    const name = servedName(repository);
    return opened
      .filter(({ repositories }) => repositories.some((pattern) => pattern.matches(name)))
      .map(({ where, store }) => ({
        where,
        read: (manifestDigest, call) => store.read({ repository: name, manifestDigest }, call),
      }));
  };
}
