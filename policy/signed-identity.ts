import {
  type DockerReference,
  formatDockerReference,
  parseCanonicalReference,
  parseDockerReference,
  repositoryName,
} from "../src/core/docker-reference.ts";
import { UsageError } from "../src/core/errors.ts";
import type { SignedIdentity } from "./policy.ts";

/**
 * Whether a signature for `claimed` is one for the image that was asked for: the six matchers of
 * containers-policy.json(5) § signedIdentity, as `specs/signing.md` 1.6 has them. What cannot be parsed matches nothing.
 *
 * @param intended the image's own name; undefined where its transport has no names
 * @param claimed as signed, unparsed; undefined where the signature names nothing
 */
export function matchesIdentity(
  match: SignedIdentity,
  intended: DockerReference | undefined,
  claimed: string | undefined,
): boolean {
  const claim = claimed === undefined ? undefined : parsed(claimed);
  if (!claim) return false;
  switch (match.type) {
    case "exactReference":
      return isSameReference(parsed(match.dockerReference), claim);
    case "exactRepository":
      return isSameRepository(parsed(match.dockerRepository), claim);
    case "matchExact":
      return isSameReference(intended, claim);
    case "matchRepository":
      return isSameRepository(intended, claim);
    case "matchRepoDigestOrExact":
      return matchesRepoDigestOrExact(intended, claim);
    case "remapIdentity":
      return matchesRepoDigestOrExact(intended && remapped(intended, match), claim);
  }
}

/** The name that a signature has to claim after a remap; undefined where the remapped text is no canonical name. */
export function remapped(
  intended: DockerReference,
  { prefix, signedPrefix }: { readonly prefix: string; readonly signedPrefix: string },
): DockerReference | undefined {
  const name = repositoryName(intended);
  if (name !== prefix && !name.startsWith(`${prefix}/`)) return intended;
  const text = signedPrefix + formatDockerReference(intended).slice(prefix.length);
  return orUndefined(() => parseCanonicalReference(text));
}

function matchesRepoDigestOrExact(
  intended: DockerReference | undefined,
  claim: DockerReference,
): boolean {
  if (!intended || isNameOnly(claim)) return false;
  if (intended.tag !== undefined) return isSameReference(intended, claim);
  // Which digest is not asked: the signature's own was compared with the manifest, and that with the reference's.
  return intended.digest !== undefined && isSameRepository(intended, claim);
}

/** Name-only references name nothing exactly. */
function isSameReference(intended: DockerReference | undefined, claim: DockerReference): boolean {
  if (!intended || isNameOnly(claim)) return false;
  return formatDockerReference(intended) === formatDockerReference(claim);
}

function isSameRepository(intended: DockerReference | undefined, claim: DockerReference): boolean {
  return intended !== undefined && repositoryName(intended) === repositoryName(claim);
}

function isNameOnly({ tag, digest }: DockerReference): boolean {
  return tag === undefined && digest === undefined;
}

function parsed(text: string): DockerReference | undefined {
  return orUndefined(() => parseDockerReference(text));
}

function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
