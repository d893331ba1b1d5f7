import { type Endpoint, type FailedTry, failedTriesText } from "../../config/endpoints.ts";
import type { Digest } from "../../core/digest.ts";
import { type DockerReference, formatDockerReference } from "../../core/docker-reference.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { manifestDigest } from "../../core/manifest.ts";
import { RegistryError } from "../../registry/errors.ts";
import type { RepositoryAccess } from "../../registry/host.ts";
import type { Repository } from "../../registry/repository.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { OpenSourceOptions, Transport } from "../contract/transport.ts";
import { besideImages } from "./companions.ts";
import { DockerDestination } from "./destination.ts";
import type { DockerEndpoints } from "./endpoints.ts";
import { dockerImageReference, isUnknownDigest, parseDockerLocation } from "./location.ts";
import { listSignaturePlaces } from "./signature-places.ts";
import {
  type FindSignaturePlaces,
  type RepositoryPlaces,
  RepositorySignatures,
} from "./signatures.ts";
import { DockerSource, type FetchedManifest, fetchManifest } from "./source.ts";
import { unlessNotFound } from "./unless-not-found.ts";

/** What the transport is made with. */
export interface DockerTransportOptions {
  readonly endpoints: DockerEndpoints;
  /** Accept `name:tag@digest`. */
  readonly tagAndDigest: boolean;
  readonly signaturePlaces: FindSignaturePlaces;
}

/** Images in registries that speak the OCI distribution API. */
export function createDockerTransport(options: DockerTransportOptions): Transport {
  const { endpoints, signaturePlaces } = options;
  const at = async (endpoint: Endpoint, access: RepositoryAccess): Promise<Place> => {
    const places = await signaturePlaces(endpoint);
    const repository = await endpoints.repository(endpoint, access);
    return {
      endpoint,
      places,
      repository,
      signatures: new RepositorySignatures(endpoint, repository, places),
    };
  };
  const own = async (reference: ImageReference, access: RepositoryAccess) =>
    await at(await endpoints.toWrite(dockerOf(reference)), access);
  const deleteTag = async (reference: ImageReference, call: CallOptions) => {
    const { tag, digest } = dockerOf(reference);
    if (tag === undefined || digest !== undefined) {
      throw new UsageError("usage.bad-reference", `${reference.text} names no tag`);
    }
    const { repository } = await own(reference, "delete");
    await repository.deleteManifest(tag, {
      ...call,
      context: `deleting ${reference.text.slice(2)}`,
    });
  };
  return {
    name: "docker",
    keepsReplaced: true,
    resolve: async (text) => parseDockerLocation(text, options),
    async openSource(reference, call) {
      const docker = dockerOf(reference);
      if (isUnknownDigest(reference)) {
        throw new UsageError(
          "usage.bad-reference",
          `reading images from docker: reference ${JSON.stringify(reference.text)} without a tag or digest is not supported`,
        );
      }
      const found = await endpoints.toRead(docker);
      const { endpoint, repository, signatures, top } = await firstThatAnswers(found, at, call);
      const origin = dockerImageReference(endpoint.reference);
      return new DockerSource(reference, origin, repository, top, signatures);
    },
    async openDestination(reference, options) {
      const { repository, signatures } = await own(reference, "write");
      return new DockerDestination(reference, repository, signatures, options);
    },
    async expectDestination(reference) {
      (await own(reference, "write")).repository.expect();
    },
    async isTaken(reference, call) {
      const { repository } = await own(reference, "write");
      return await isHeld(repository, nameIn(dockerOf(reference)), call);
    },
    async digestOf(reference, as, call) {
      if (isUnknownDigest(reference)) return undefined;
      const docker = dockerOf(reference);
      const endpoint =
        as === "source" ? onlyOne(await endpoints.toRead(docker)) : await endpoints.toWrite(docker);
      if (!endpoint) return undefined;
      const { repository, signatures } = await at(endpoint, as === "source" ? "read" : "write");
      const head = await repository.headManifest(nameIn(docker), call);
      if (head.type !== "held") return undefined;
      const { digest, mediaType } = head;
      return {
        digest,
        mediaType,
        signed: () => signatures.any(digest, call),
        anySigned: () => signatures.mayHaveAny(),
      };
    },
    async signaturePlaces(reference, access, call) {
      const docker = dockerOf(reference);
      const [endpoint] =
        access === "read" ? await endpoints.toRead(docker) : [await endpoints.toWrite(docker)];
      if (!endpoint) return [];
      const { repository, places } = await at(endpoint, access);
      const { urls = [], signal } = call;
      return await listSignaturePlaces(endpoint, repository, places, { urls, signal });
    },
    async listTags(reference, { signal }) {
      return await (await own(reference, "read")).repository.listTags({ signal });
    },
    async listRepositories(domain, { signal }) {
      const endpoint = await endpoints.toWrite({ domain, path: "catalog" }); // any of its repositories
      const repository = await endpoints.repository(endpoint, "read");
      return await repository.listCatalog({ signal });
    },
    async deleteImage(reference, call) {
      if (isUnknownDigest(reference)) {
        throw new UsageError(
          "usage.bad-reference",
          "Docker reference without a tag or digest cannot be deleted",
        );
      }
      const { repository, signatures } = await own(reference, "delete");
      const deleted = await deleteByDigest(repository, reference, call);
      await signatures.removeAll(deleted, call);
    },
    deleteTag,
    ...besideImages({
      nameOf: dockerOf,
      repository: async (reference, access) => (await own(reference, access)).repository,
      deleteTag,
    }),
  };
}

/** A repository at one endpoint, and what is kept of signatures there. */
interface Place {
  readonly endpoint: Endpoint;
  readonly repository: Repository;
  readonly places: RepositoryPlaces;
  readonly signatures: RepositorySignatures;
}

function dockerOf(reference: ImageReference): DockerReference {
  if (reference.docker) return reference.docker;
  throw new UsageError(
    "usage.bad-reference",
    `docker: image reference ${reference.text} has no name`,
  );
}

/**
 * What the manifest is asked for by: a digest beats a tag.
 *
 * @throws {UsageError} where there is neither: never is `latest` taken for what somebody did not name
 */
function nameIn(reference: DockerReference): string {
  const name = reference.digest ?? reference.tag;
  if (name !== undefined) return name;
  throw new UsageError(
    "usage.bad-reference",
    `docker: image reference ${formatDockerReference(reference)} has neither a tag nor a digest`,
  );
}

/** A HEAD only helps where one endpoint is to be asked: with mirrors the first that answers would have to be found. */
function onlyOne([first, ...more]: readonly Endpoint[]): Endpoint | undefined {
  return more.length === 0 ? first : undefined;
}

/** Tries each endpoint for the manifest; the winner serves blobs and signatures too — `specs/registry.md` 3.4. */
async function firstThatAnswers(
  found: readonly Endpoint[],
  at: (endpoint: Endpoint, access: RepositoryAccess) => Promise<Place>,
  call: OpenSourceOptions,
): Promise<Place & { readonly top: FetchedManifest }> {
  const failures: (FailedTry & { readonly error: KnownError })[] = [];
  for (const endpoint of found) {
    const { reference } = endpoint;
    try {
      const place = await at(endpoint, "read");
      begin(place.signatures, reference.digest, call);
      const fetched = await fetchManifest(place.repository, nameIn(reference), call);
      return {
        ...place,
        top: reference.digest ? { ...fetched, digest: reference.digest } : fetched,
      };
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      failures.push({ reference, message: error.message, error });
    }
  }
  const primary = failures.pop();
  if (!primary) throw new TransportError("transport.unreadable", "no endpoint to read from");
  if (failures.length === 0) throw primary.error;
  throw new TransportError("transport.unreadable", failedTriesText(failures, primary), {
    cause: primary.error,
    retryable: primary.error.retryable,
  });
}

/** Begins to read signatures along with the manifest, where they will be asked for. */
function begin(
  signatures: RepositorySignatures,
  digest: Digest | undefined,
  call: OpenSourceOptions,
): void {
  const { expectSignatures: expected, signal } = call;
  if (!expected) return;
  signatures.expect(digest ?? (expected === true ? undefined : expected), { signal });
}

/**
 * Deletes what the reference names by its digest, and so every tag of it, as skopeo does — `specs/registry.md` 1.7.
 *
 * @returns the digest
 */
async function deleteByDigest(
  repository: Repository,
  reference: ImageReference,
  call: CallOptions,
): Promise<Digest> {
  const docker = dockerOf(reference);
  try {
    const options = { ...call, context: `deleting ${reference.text.slice(2)}` };
    const { bytes } = await repository.readManifest(nameIn(docker), options);
    const digest = manifestDigest(bytes);
    await repository.deleteManifest(digest, options);
    return digest;
  } catch (error) {
    if (error instanceof RegistryError && error.code === "registry.not-found") {
      throw new TransportError(
        "transport.unsupported",
        `Unable to delete ${reference.text.slice(2)}. Image may not exist or is not stored with a v2 Schema in a v2 registry`,
        { cause: error, reference },
      );
    }
    throw error;
  }
}

/** By HEAD, or by reading it where the registry does not say. */
async function isHeld(repository: Repository, name: string, call: CallOptions): Promise<boolean> {
  const head = await repository.headManifest(name, call);
  if (head.type !== "unknown") return head.type === "held";
  return (await unlessNotFound(repository.readManifest(name, call))) !== undefined;
}
