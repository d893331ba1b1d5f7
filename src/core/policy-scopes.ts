import { type DockerReference, formatDockerReference, repositoryName } from "./docker-reference.ts";

/** The keys under which a trust policy knows an image, as an {@link ImageReference} carries them. */
export interface PolicyScopes {
  readonly policyIdentity: string;
  readonly policyNamespaces: readonly string[];
}

/**
 * Of an image known by a docker reference: `docker`, `atomic`, a named `docker-daemon` (`specs/signing.md` 1.3). Where
 * the reference has a tag and a digest, the digest decides.
 */
export function dockerScopes(docker: DockerReference): PolicyScopes {
  return {
    policyIdentity: dockerIdentity(docker),
    policyNamespaces: dockerNamespaces(repositoryName(docker), docker.domain),
  };
}

/** The narrowest of {@link dockerScopes}. */
export function dockerIdentity(docker: DockerReference): string {
  const { digest } = docker;
  return digest === undefined
    ? formatDockerReference(docker)
    : `${repositoryName(docker)}@${digest}`;
}

/** So many repositories' namespaces are kept: a mirror has two at a time, and thousands of images in them. */
const mostKept = 16;
const kept = new Map<string, readonly string[]>();

/** `name`, each parent down to the host, then `*.` wildcards of the host's parents. */
export function dockerNamespaces(name: string, domain: string): readonly string[] {
  const known = kept.get(name); // which begins with the domain
  if (known) return known;
  if (kept.size >= mostKept) kept.clear();
  const namespaces = namespacesOf(name, domain);
  kept.set(name, namespaces);
  return namespaces;
}

function namespacesOf(name: string, domain: string): readonly string[] {
  const namespaces = [...parentNames(name)];
  const host = domain.split(":", 1)[0] ?? domain;
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    namespaces.push(`*${host.slice(dot)}`);
  }
  return namespaces;
}

/** An image in a store of `containers-storage`. */
export interface StoredImageName {
  readonly driver: string;
  /** The store's graph root. */
  readonly root: string;
  readonly docker?: DockerReference;
  /** 64 hex digits. */
  readonly id?: string;
}

/** Of an image in a store: the narrower names first, then the store with and without its driver. */
export function storageScopes({ driver, root, docker, id }: StoredImageName): PolicyScopes {
  const store = `[${driver}@${root}]`;
  const names: string[] = [];
  if (docker) {
    const name = repositoryName(docker);
    if (id !== undefined) names.push(formatDockerReference(docker));
    if (docker.tag !== undefined && docker.digest !== undefined)
      names.push(`${name}:${docker.tag}`);
    names.push(...parentNames(name));
  }
  const full = docker ? formatDockerReference(docker) : "";
  return {
    policyIdentity: store + full + (id === undefined ? "" : `@${id}`),
    policyNamespaces: [...names.map((name) => store + name), store, `[${root}]`],
  };
}

function* parentNames(name: string): Iterable<string> {
  for (let at = name.length; at > 0; at = name.lastIndexOf("/", at - 1)) yield name.slice(0, at);
}
