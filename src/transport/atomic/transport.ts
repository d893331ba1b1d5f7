import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { TransportError } from "../contract/errors.ts";
import type { ImageDestination } from "../contract/image-destination.ts";
import type { ImageSource } from "../contract/image-source.ts";
import type { Transport } from "../contract/transport.ts";
import { addImageSignatures, readImageSignatures, readTagEvent } from "./image-streams.ts";
import { parseAtomicLocation, streamNameOf } from "./location.ts";
import { OpenShiftClient, type OpenShiftServer } from "./openshift-client.ts";

/** What the transport is made with. */
export interface AtomicTransportOptions {
  /** Manifests and blobs go through the cluster's registry. */
  readonly docker: Transport;
  /** Asked when a cluster is first needed. @throws {ConfigError} where none is configured */
  readonly connect: () => Promise<OpenShiftServer>;
}

/** Images in the image streams of an OpenShift cluster: its registry has the bytes, its API the tags and signatures. */
export function createAtomicTransport({ docker, connect }: AtomicTransportOptions): Transport {
  const client = async () => new OpenShiftClient(await connect());
  return {
    name: "atomic",
    resolve: async (text) => parseAtomicLocation(text),
    async openSource(reference, { signal }) {
      const name = streamNameOf(reference);
      const cluster = await client();
      const event = await readTagEvent(cluster, name, { signal });
      const text = inRegistry(reference, event.dockerImageReference);
      const place = await docker.resolve(text, "source", { signal });
      const source = await docker.openSource(place, { signal });
      const top = await source.readManifest("top", { signal });
      return sourceOf(reference, source, async (manifest, call) => {
        const image = manifest === top.digest ? event.image : manifest;
        const { contents } = await readImageSignatures(cluster, name, image, call);
        return contents.map((bytes) => ({ format: "simple-signing", bytes }));
      });
    },
    async openDestination(reference, { signal }) {
      const name = streamNameOf(reference);
      const cluster = await client();
      const text = `//${reference.docker?.domain}/${name.namespace}/${name.stream}:${name.tag}`;
      const place = await docker.resolve(text, "destination", { signal });
      const destination = await docker.openDestination(place, { signal });
      return destinationOf(reference, destination, (manifest, signatures, call) =>
        addImageSignatures(cluster, name, manifest, signatures, call),
      );
    },
  };
}

/** What the cluster calls its registry is for those inside: the host is the one that the user named. */
function inRegistry(reference: ImageReference, told: string): string {
  const slash = told.indexOf("/");
  if (slash >= 0) return `//${reference.docker?.domain}${told.slice(slash)}`;
  throw new TransportError(
    "transport.unreadable",
    `Invalid format of docker reference ${told}: missing '/'`,
    { reference },
  );
}

function sourceOf(
  reference: ImageReference,
  source: ImageSource,
  readSignatures: ImageSource["readSignatures"],
): ImageSource {
  return {
    reference,
    readSignatures,
    traits: source.traits,
    blobOrder: source.blobOrder,
    origin: source.origin ?? source.reference,
    readManifest: (instance, call) => source.readManifest(instance, call),
    heldLayers: (manifest, call) => source.heldLayers(manifest, call),
    openBlob: (blob, call) => source.openBlob(blob, call),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

function destinationOf(
  reference: ImageReference,
  destination: ImageDestination,
  writeSignatures: ImageDestination["writeSignatures"],
): ImageDestination {
  const formats: readonly UntrustedSignature["format"][] = ["simple-signing"];
  return {
    reference,
    writeSignatures,
    traits: { ...destination.traits, signatureFormats: formats },
    openImage: (image, call) => destination.openImage(image, call),
    writeIndex: (index, call) => destination.writeIndex(index, call),
    commit: (call) => destination.commit(call),
    [Symbol.asyncDispose]: () => destination[Symbol.asyncDispose](),
  };
}
