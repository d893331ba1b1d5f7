import type { SignedSubject } from "../../../sigstore/signature.ts";
import type { Digest } from "../../core/digest.ts";
import { isNameOrDomain } from "../../core/docker-reference.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";

const longestName = 255;

/**
 * What the signatures of a manifest are filed under.
 *
 * @throws {RegistryAnswerError} 400 NAME_INVALID for a name that no image can have: nothing else may become a path
 */
export function subjectOf(
  repository: Pick<ServedRepository, "domain" | "path">,
  manifestDigest: Digest,
): SignedSubject {
  const name = servedName(repository);
  if (!isServedName(name)) {
    throw new RegistryAnswerError("NAME_INVALID", "invalid repository name", { status: 400 });
  }
  return { repository: name, manifestDigest };
}

/** Whether this is `domain/path` as references have it. */
export function isServedName(name: string): boolean {
  return name.length <= longestName && name.includes("/") && isNameOrDomain(name);
}

/** One text for a subject, for maps. */
export function subjectKey({ repository, manifestDigest }: SignedSubject): string {
  return `${repository}@${manifestDigest}`;
}
