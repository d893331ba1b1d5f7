import type { Digest } from "../../core/digest.ts";
import type { DockerReference } from "../../core/docker-reference.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { dockerImageReference } from "../../transport/docker/location.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { ManifestReference } from "../v2/backend.ts";

/** By what name images are judged. */
export interface NameChoice {
  readonly identity: "upstream" | "client";
  /** The server's own domain. */
  readonly serverName: string;
}

/**
 * What the policy knows an image as. Put together, not parsed: a domain without a dot would be taken for a path of Docker
 * Hub. Hub's names are spelled out, so that no spelling of one evades a scope.
 */
export function servedImage(
  repository: ServedRepository,
  reference: ManifestReference,
  choice: NameChoice,
): ImageReference {
  const name =
    choice.identity === "client"
      ? { domain: choice.serverName, path: repository.requested }
      : spelledOut(repository);
  return dockerImageReference({ ...name, ...suffixOf(reference) });
}

function suffixOf(
  reference: ManifestReference,
): { readonly tag: string } | { readonly digest: Digest } {
  return reference.type === "tag" ? { tag: reference.tag } : { digest: reference.digest };
}

function spelledOut({ domain, path }: ServedRepository): Pick<DockerReference, "domain" | "path"> {
  const host = domain.toLowerCase();
  if (host !== "docker.io" && host !== "index.docker.io") return { domain, path };
  return { domain: "docker.io", path: path.includes("/") ? path : `library/${path}` };
}
