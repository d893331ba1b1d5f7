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
  /** Whether the path that was asked for means this repository by itself: not by `ns`, nor by the host's name. */
  isPlain(repository: ServedRepository): boolean;
}

/**
 * What the policy knows an image as. Put together, not parsed: a domain without a dot would be taken for a path of Docker
 * Hub. Hub's names are spelled out, so that no spelling of one evades a scope. By `client`, what is here by `ns` or the host's
 * name alone goes by its own name: whoever asks could else choose to have it judged as what that path is by itself.
 */
export function servedImage(
  repository: ServedRepository,
  reference: ManifestReference,
  choice: NameChoice,
): ImageReference {
  const name =
    choice.identity === "client" && repository.upstream !== undefined && choice.isPlain(repository)
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
