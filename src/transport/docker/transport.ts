import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { type Endpoint, type FailedTry, failedTriesText } from "../../config/endpoints.ts";
import type { Digest } from "../../core/digest.ts";
import { type DockerReference, formatDockerReference } from "../../core/docker-reference.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { manifestDigest } from "../../core/manifest.ts";
import { RegistryError } from "../../registry/errors.ts";
import type { RepositoryAccess } from "../../registry/host.ts";
import type { Repository } from "../../registry/repository.ts";
import { type CallOptions, type Transport, TransportError } from "../contract.ts";
import { DockerDestination } from "./destination.ts";
import type { DockerEndpoints } from "./endpoints.ts";
import { dockerImageReference, isUnknownDigest, parseDockerLocation } from "./location.ts";
import { DockerSource, type FetchedManifest, fetchManifest } from "./source.ts";

/** What the transport is made with. */
export interface DockerTransportOptions {
  readonly endpoints: DockerEndpoints;
  /** Accept `name:tag@digest`. */
  readonly tagAndDigest: boolean;
  /** Signatures kept beside a repository, in the order they are stored. */
  readonly readSignatures: (
    reference: DockerReference,
    manifest: Digest,
  ) => Promise<readonly UntrustedSignature[]>;
}

/** Images in registries that speak the OCI distribution API. */
export function createDockerTransport(options: DockerTransportOptions): Transport {
  const { endpoints } = options;
  return {
    name: "docker",
    resolve: async (text) => parseDockerLocation(text, options),
    async openSource(reference, call) {
      const docker = dockerOf(reference);
      if (isUnknownDigest(reference)) {
        throw new UsageError(
          "usage.bad-reference",
          `reading images from docker: reference ${JSON.stringify(reference.text)} without a tag or digest is not supported`,
        );
      }
      const { endpoint, repository, top } = await firstThatAnswers(endpoints, docker, call);
      const origin = dockerImageReference(endpoint.reference);
      return new DockerSource(reference, origin, repository, top, (manifest) =>
        options.readSignatures(endpoint.reference, manifest),
      );
    },
    async openDestination(reference) {
      return new DockerDestination(reference, await own(endpoints, reference, "write"));
    },
    async digestOf(reference, as, { signal }) {
      if (isUnknownDigest(reference)) return undefined;
      const docker = dockerOf(reference);
      const repository =
        as === "source"
          ? await onlyOne(endpoints, docker)
          : await own(endpoints, reference, "write");
      const head = await repository?.headManifest(nameIn(docker), { signal });
      if (head?.type !== "held") return undefined;
      const { digest, mediaType } = head;
      const signatures = as === "source" ? await options.readSignatures(docker, digest) : [];
      return { digest, mediaType, signed: signatures.length > 0 };
    },
    async listTags(reference, { signal }) {
      return await (await own(endpoints, reference, "read")).listTags({ signal });
    },
    async deleteImage(reference, call) {
      if (isUnknownDigest(reference)) {
        throw new UsageError(
          "usage.bad-reference",
          "Docker reference without a tag or digest cannot be deleted",
        );
      }
      await deleteByDigest(await own(endpoints, reference, "delete"), reference, call);
    },
    async deleteTag(reference, call) {
      const { tag, digest } = dockerOf(reference);
      if (tag === undefined || digest !== undefined) {
        throw new UsageError("usage.bad-reference", `${reference.text} names no tag`);
      }
      const repository = await own(endpoints, reference, "delete");
      await repository.deleteManifest(tag, {
        ...call,
        context: `deleting ${reference.text.slice(2)}`,
      });
    },
  };
}

async function own(
  endpoints: DockerEndpoints,
  reference: ImageReference,
  access: RepositoryAccess,
): Promise<Repository> {
  return await endpoints.repository(await endpoints.toWrite(dockerOf(reference)), access);
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
async function onlyOne(
  endpoints: DockerEndpoints,
  docker: DockerReference,
): Promise<Repository | undefined> {
  const [first, ...more] = await endpoints.toRead(docker);
  return first && more.length === 0 ? await endpoints.repository(first, "read") : undefined;
}

interface Answer {
  readonly endpoint: Endpoint;
  readonly repository: Repository;
  readonly top: FetchedManifest;
}

/** Tries each endpoint for the manifest; the winner serves the blobs too — `specs/registry.md` 3.4. */
async function firstThatAnswers(
  endpoints: DockerEndpoints,
  docker: DockerReference,
  call: CallOptions,
): Promise<Answer> {
  const failures: (FailedTry & { readonly error: KnownError })[] = [];
  for (const endpoint of await endpoints.toRead(docker)) {
    const { reference } = endpoint;
    try {
      const repository = await endpoints.repository(endpoint, "read");
      const fetched = await fetchManifest(repository, nameIn(reference), call);
      const top = reference.digest ? { ...fetched, digest: reference.digest } : fetched;
      return { endpoint, repository, top };
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

/** Deletes what the reference names by its digest, and so every tag of it, as skopeo does — `specs/registry.md` 1.7. */
async function deleteByDigest(
  repository: Repository,
  reference: ImageReference,
  call: CallOptions,
): Promise<void> {
  const docker = dockerOf(reference);
  try {
    const options = { ...call, context: `deleting ${reference.text.slice(2)}` };
    const { bytes } = await repository.readManifest(nameIn(docker), options);
    await repository.deleteManifest(manifestDigest(bytes), options);
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
