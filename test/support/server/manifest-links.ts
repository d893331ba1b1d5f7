import type { Descriptor } from "../../../src/core/descriptor.ts";
import type { Digest } from "../../../src/core/digest.ts";
import type { RawManifest } from "../../../src/core/manifest.ts";

interface Document {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly annotations?: Record<string, string>;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
}

/** What a manifest names. Foreign layers are not meant to be there. */
export function readLinks(manifest: RawManifest): {
  readonly blobs: readonly Digest[];
  readonly manifests: readonly Digest[];
  readonly subject: Digest | undefined;
} {
  const document = parse(manifest);
  const [manifests, others] = splitList(document.manifests ?? []);
  const blobs = [
    ...(document.config ? [document.config] : []),
    ...(document.layers ?? []),
    ...others,
  ];
  return {
    blobs: blobs.filter(({ mediaType }) => !/foreign|nondistributable/.test(mediaType)).map(digest),
    manifests: manifests.map(digest),
    subject: document.subject?.digest,
  };
}

/** What an index lists: manifests, and blobs. */
function splitList<Entry extends { readonly mediaType: string }>(list: readonly Entry[]) {
  const isManifest = ({ mediaType }: Entry) => /manifest|index/.test(mediaType);
  return [list.filter(isManifest), list.filter((entry) => !isManifest(entry))] as const;
}

/** A manifest's descriptor as lists of referrers have it. */
export function describeReferrer(manifest: RawManifest): Descriptor {
  const { artifactType, annotations, config } = parse(manifest);
  const type = artifactType ?? config?.mediaType;
  return {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    ...(type !== undefined && { artifactType: type }),
    ...(annotations && { annotations }),
  };
}

function parse({ bytes }: RawManifest): Document {
  return JSON.parse(Buffer.from(bytes).toString()) as Document;
}

function digest(descriptor: Descriptor): Digest {
  return descriptor.digest;
}
