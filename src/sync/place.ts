import { repositoryName } from "../core/docker-reference.ts";
import type { ImageReference } from "../core/image-reference.ts";
import { parseOciLocation } from "../layout/location.ts";

/** Where an image is among others that a tag apart have the same name. */
export interface NamePlace {
  /** A repository, a layout, or what folders' names have in common. */
  readonly place: string;
  /** What tells it from the others: absent where it is known by its digest only, or has no name. */
  readonly name?: string;
}

/**
 * A repository's tag, also in a local store, a layout's name, or what stands behind the last colon of a folder's name as `sync` writes them:
 * `dir:/srv/alpine:3.18`. Undefined where no place holds several images by name.
 */
export function namePlace(reference: ImageReference): NamePlace | undefined {
  const { transport, docker, text } = reference;
  if (transport === "docker" && docker) {
    const place = repositoryName(docker);
    return docker.tag === undefined ? { place } : { place, name: docker.tag };
  }
  if (transport === "oci") {
    const { path, name } = parseOciLocation(text);
    return name === undefined ? { place: `oci:${path}` } : { place: `oci:${path}`, name };
  }
  if (transport === "containers-storage" && docker?.tag !== undefined) {
    const place = `${transport}:${text.slice(0, text.length - docker.tag.length - 1)}`;
    return { place, name: docker.tag };
  }
  return transport === "dir" ? folderPlace(text) : undefined;
}

function folderPlace(path: string): NamePlace | undefined {
  const colon = path.lastIndexOf(":");
  if (colon <= path.lastIndexOf("/")) return undefined;
  return { place: `dir:${path.slice(0, colon)}`, name: path.slice(colon + 1) };
}
