import { join } from "node:path";
import {
  algorithmOf,
  type Digest,
  type DigestAlgorithm,
  hexLengths,
  hexOf,
} from "../../core/digest.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { StoredName } from "./registry-store.ts";

// data/amphora-registry.json            the format's version
// data/registry.db                      tags, manifests, what they name
// data/blobs/<algorithm>/<hex>          every blob once
// data/repositories/<domain>/<path>/    an OCI image layout; its blobs are hard links to those
// data/uploads/                         what is not finished

/** Hash algorithms by the names of their folders. */
export const algorithms: readonly DigestAlgorithm[] = ["sha256", "sha384", "sha512"];

const domainPattern = /^[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?$/;
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const maxNameLength = 255;
/** A layout's own names, which are good names of repositories too. */
const reserved: ReadonlySet<string> = new Set(["blobs", "index.json", "oci-layout"]);

/** `domain/path`, by which the database knows a repository. */
export function storedName({ domain, path }: StoredName): string {
  return `${domain}/${path}`;
}

/**
 * Where a repository's layout is below `repositories`. A port's colon, which would end the folder's name in skopeo's
 * `oci:FOLDER:TAG`, is written `_`; a component that is called as something in a layout gets a `_` before it: neither can be
 * in a name.
 *
 * @throws {RegistryAnswerError} 400 NAME_INVALID
 */
export function repositoryFolder(name: string): string {
  const [domain = "", ...components] = name.split("/");
  const good =
    name.length <= maxNameLength &&
    components.length > 0 &&
    domainPattern.test(domain) &&
    components.every((component) => componentPattern.test(component));
  if (!good) {
    throw new RegistryAnswerError("NAME_INVALID", "invalid repository name", { status: 400 });
  }
  return join(domain.replace(":", "_"), ...components.map(folderOf));
}

function folderOf(component: string): string {
  return reserved.has(component) ? `_${component}` : component;
}

/** The name of the repository whose layout is in a folder below `repositories`; undefined where it can be none's. */
export function nameOfFolder(folder: string): string | undefined {
  const [domain = "", ...folders] = folder.split("/");
  const components = folders.map((one) => (reserved.has(one.slice(1)) ? one.slice(1) : one));
  const name = [domain.replace("_", ":"), ...components].join("/");
  try {
    return repositoryFolder(name) === folder ? name : undefined;
  } catch {
    return undefined; // no name
  }
}

/** The paths of a store. */
export class StorePaths {
  readonly folder: string;
  readonly blobs: string;
  readonly repositories: string;
  readonly uploads: string;
  readonly format: string;
  readonly database: string;
  /** A name is checked once. */
  readonly #layouts = new Map<string, string>();

  constructor(folder: string) {
    this.folder = folder;
    this.blobs = join(folder, "blobs");
    this.repositories = join(folder, "repositories");
    this.uploads = join(folder, "uploads");
    this.format = join(folder, "amphora-registry.json");
    this.database = join(folder, "registry.db");
  }

  /** The blob that all repositories share. */
  shared(digest: Digest): string {
    return `${this.blobs}/${algorithmOf(digest)}/${hexOf(digest)}`;
  }

  /** @throws {RegistryAnswerError} 400 NAME_INVALID */
  layout(name: string): string {
    const known = this.#layouts.get(name);
    if (known !== undefined) return known;
    const layout = join(this.repositories, repositoryFolder(name));
    if (this.#layouts.size > 10_000) this.#layouts.clear();
    this.#layouts.set(name, layout);
    return layout;
  }

  /** A repository's own name of a blob. @throws {RegistryAnswerError} 400 NAME_INVALID */
  blob(name: string, digest: Digest): string {
    return `${this.layout(name)}/blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
  }
}

/** The digest of a file called so in a folder of blobs; undefined where it is no blob's. */
export function digestOfFile(algorithm: DigestAlgorithm, name: string): Digest | undefined {
  const good = name.length === hexLengths[algorithm] && /^[0-9a-f]+$/.test(name);
  return good ? (`${algorithm}:${name}` as Digest) : undefined;
}
