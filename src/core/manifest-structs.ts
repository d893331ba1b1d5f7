import { goBytes, goInt, goText, namedText } from "./go-scalars.ts";
import { always, embedded, goList, goMapOf, goPointer, goStruct, omitEmpty } from "./go-struct.ts";

// The documents that manifests are, member by member in the order in which the Go tools write them:
// OCI image-spec specs-go/v1, and containers/image's types for Docker's.

const goDigest = namedText("digest.Digest");
const texts = goList(goText);
const textMap = goMapOf(goText);

/** OCI image-spec v1.Platform. */
export const platformFields = {
  architecture: always(goText),
  os: always(goText),
  "os.version": omitEmpty(goText),
  "os.features": omitEmpty(texts),
  variant: omitEmpty(goText),
} as const;

const ociPlatform = goStruct("v1.Platform", platformFields);

/** OCI image-spec v1.Descriptor. */
export const ociDescriptor = goStruct("v1.Descriptor", {
  mediaType: always(goText),
  digest: always(goDigest),
  size: always(goInt),
  urls: omitEmpty(texts),
  annotations: omitEmpty(textMap),
  data: omitEmpty(goBytes),
  platform: omitEmpty(goPointer(ociPlatform)),
  artifactType: omitEmpty(goText),
});

/** OCI image-spec v1.Manifest, embedded in containers/image OCI1. */
export const ociManifest = goStruct(
  "manifest.OCI1",
  embedded("Manifest", {
    schemaVersion: always(goInt),
    mediaType: omitEmpty(goText),
    artifactType: omitEmpty(goText),
    config: always(ociDescriptor),
    layers: always(goList(ociDescriptor)),
    subject: omitEmpty(goPointer(ociDescriptor)),
    annotations: omitEmpty(textMap),
  }),
);

/** OCI image-spec v1.Index, embedded in containers/image OCI1IndexPublic. */
export const ociIndex = goStruct(
  "manifest.OCI1IndexPublic",
  embedded("Index", {
    schemaVersion: always(goInt),
    mediaType: omitEmpty(goText),
    artifactType: omitEmpty(goText),
    manifests: always(goList(ociDescriptor)),
    subject: omitEmpty(goPointer(ociDescriptor)),
    annotations: omitEmpty(textMap),
  }),
);

const dockerDescriptorFields = {
  mediaType: always(goText),
  size: always(goInt),
  digest: always(goDigest),
  urls: omitEmpty(texts),
} as const;

/** containers/image Schema2Descriptor. */
export const dockerDescriptor = goStruct("manifest.Schema2Descriptor", dockerDescriptorFields);

/** containers/image Schema2. */
export const dockerManifest = goStruct("manifest.Schema2", {
  schemaVersion: always(goInt),
  mediaType: always(goText),
  config: always(dockerDescriptor),
  layers: always(goList(dockerDescriptor)),
});

/** containers/image Schema2PlatformSpec: like OCI's, but with CPU features. */
const dockerPlatform = goStruct("manifest.Schema2PlatformSpec", {
  ...platformFields,
  features: omitEmpty(texts),
});

/** containers/image Schema2ListPublic. */
export const dockerList = goStruct("manifest.Schema2ListPublic", {
  schemaVersion: always(goInt),
  mediaType: always(goText),
  manifests: always(
    goList(
      goStruct("manifest.Schema2ManifestDescriptor", {
        ...dockerDescriptorFields,
        platform: always(dockerPlatform),
      }),
    ),
  ),
});
