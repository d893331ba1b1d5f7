import { v1Compatibility } from "./config-structs.ts";
import type { Descriptor } from "./descriptor.ts";
import { parseDigest } from "./digest.ts";
import { ContentError } from "./errors.ts";
import { goInt, goText, namedText } from "./go-scalars.ts";
import { always, type GoValue, goList, goStruct } from "./go-struct.ts";
import { readConfigAs } from "./image-config.ts";
import { readManifestAs } from "./image-manifest.ts";
import type { RawManifest } from "./manifest.ts";
import { mediaTypes } from "./media-type.ts";

/** containers/image Schema1: the manifest without its signatures, the top layer first. */
export const schema1Manifest = goStruct("manifest.Schema1", {
  name: always(goText),
  tag: always(goText),
  architecture: always(goText),
  fsLayers: always(
    goList(goStruct("manifest.Schema1FSLayers", { blobSum: always(namedText("digest.Digest")) })),
  ),
  history: always(goList(goStruct("manifest.Schema1History", { v1Compatibility: always(goText) }))),
  schemaVersion: always(goInt),
});

/** One step of a schema 1 image's making, and the layer it left. */
export interface Schema1Step {
  readonly layer: Descriptor;
  /** It left no files: the layer is the well-known empty one. */
  readonly throwaway: boolean;
  /** The history entry as written: JSON. */
  readonly json: string;
  readonly history: GoValue<typeof v1Compatibility>;
}

/** A Docker schema 1 image. It has no config blob; what would be in it is in the history. */
export interface Schema1Image {
  readonly name: string;
  readonly tag: string;
  readonly architecture: string;
  /** Base first. */
  readonly steps: readonly Schema1Step[];
  /** The layers of the steps, base first. Their sizes are not told: −1. */
  readonly layers: readonly Descriptor[];
}

/**
 * Reads a Docker schema 1 manifest, signed or not. Steps that repeat the one before are left out, as Docker does.
 *
 * @throws {ContentError} `content.bad-manifest`
 */
export function parseSchema1(raw: RawManifest): Schema1Image {
  const { name, tag, architecture, fsLayers, history, schemaVersion } = readManifestAs(
    schema1Manifest,
    raw,
  );
  if (schemaVersion !== 1n) throw bad(`unsupported schema version ${schemaVersion}`);
  if ((fsLayers ?? []).length !== (history ?? []).length) {
    throw bad("length of history not equal to number of layers");
  }
  const topFirst = (history ?? []).map((entry, index) =>
    parseStep(entry.v1Compatibility, fsLayers?.[index]?.blobSum ?? "", index),
  );
  if (topFirst.length === 0) throw bad("no FSLayers in manifest");
  const steps = withoutRepeats(topFirst).reverse();
  return { name, tag, architecture, steps, layers: steps.map(({ layer }) => layer) };
}

function parseStep(json: string, blobSum: string, index: number): Schema1Step {
  try {
    const history = readConfigAs(v1Compatibility, json);
    const layer = { mediaType: mediaTypes.dockerLayerGzip, digest: parseDigest(blobSum), size: -1 };
    return { layer, throwaway: history.throwaway, json, history };
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw bad(`parsing v2s1 history entry ${index}: ${error.message}`);
  }
}

/** Checks the chain of parents, and leaves the older of two steps of the same id that follow one another. */
function withoutRepeats(topFirst: readonly Schema1Step[]): Schema1Step[] {
  checkIds(topFirst.map(({ history }) => history.id));
  if (topFirst.at(-1)?.history.parent !== "") {
    throw bad("Invalid parent ID in the base layer of the image");
  }
  const kept: Schema1Step[] = [];
  for (const step of topFirst.toReversed()) {
    const below = kept.at(-1);
    if (below?.history.id === step.history.id) continue;
    const expected = below?.history.id ?? "";
    if (step.history.parent !== expected) {
      throw bad(
        `Invalid parent ID. Expected ${expected}, got ${JSON.stringify(step.history.parent)}`,
      );
    }
    kept.push(step);
  }
  return kept.reverse();
}

function checkIds(ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const [index, id] of ids.entries()) {
    if (!/^[a-f0-9]{64}$/.test(id)) throw bad(`image ID ${JSON.stringify(id)} is invalid`);
    if (id !== ids[index - 1] && seen.has(id)) {
      throw bad(`ID ${id} appears multiple times in manifest`);
    }
    seen.add(id);
  }
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-manifest", message);
}
