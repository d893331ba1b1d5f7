import type { Descriptor } from "../../src/core/descriptor.ts";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import type { RawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import type { SeedImage } from "./registry.ts";

export interface ArtifactRecipe {
  /** Same recipe, same bytes. Default 1. */
  readonly seed?: number;
  /** Default `application/vnd.example.sbom`. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Default: a small text of its own. */
  readonly content?: Uint8Array;
}

/** An artifact that refers to a subject, as oras makes them. */
export interface TestArtifact extends SeedImage {
  readonly manifest: RawManifest;
  readonly digest: Digest;
  /** As it stands in a list of referrers. */
  readonly entry: Descriptor;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** The config of artifacts that have none. */
export const emptyConfig = Buffer.from("{}");

/** Makes an artifact about `subject`, which need not be anywhere. */
export function artifactAbout(subject: Digest, recipe: ArtifactRecipe = {}): TestArtifact {
  const { seed = 1, artifactType = "application/vnd.example.sbom" } = recipe;
  const { annotations = { "org.example.seed": String(seed) } } = recipe;
  const content = recipe.content ?? Buffer.from("what is in it");
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      artifactType,
      config: { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: 2 },
      layers: [{ mediaType: "text/plain", digest: digestOf(content), size: content.byteLength }],
      subject: { mediaType: mediaTypes.ociManifest, digest: subject, size: 1 },
      annotations,
    }),
  );
  const digest = digestOf(bytes);
  const mediaType = mediaTypes.ociManifest;
  const size = bytes.byteLength;
  return {
    manifest: { mediaType, digest, bytes },
    digest,
    entry: { mediaType, digest, size, artifactType, annotations },
    manifests: [{ mediaType, bytes }],
    blobs: new Map([
      [digestOf(emptyConfig), emptyConfig],
      [digestOf(content), content],
    ]),
  };
}
