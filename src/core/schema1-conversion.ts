import { createHash } from "node:crypto";
import {
  dockerHistory,
  dockerImage,
  dockerRootFs,
  dockerV1Image,
  v1Compatibility,
} from "./config-structs.ts";
import { type Digest, hexOf } from "./digest.ts";
import { ContentError, CopyError } from "./errors.ts";
import { goCompact, goMap, goString } from "./go-json.ts";
import type { GoValue } from "./go-struct.ts";
import { readConfigAs } from "./image-config.ts";
import { JsonObject, parseJsonText } from "./json-text.ts";
import { mediaTypes } from "./media-type.ts";
import type { Schema1Image, schema1Manifest } from "./schema1.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

/** What every schema 1 step without files has for its layer: an empty tar, compressed once and for all by Docker. */
export const emptyLayer = {
  digest: "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4" as Digest,
  bytes: Uint8Array.of(
    ...[31, 139, 8, 0, 0, 9, 110, 136, 0, 255, 98, 24, 5, 163, 96, 20],
    ...[140, 88, 0, 8, 0, 0, 255, 255, 46, 175, 181, 239, 0, 4, 0, 0],
  ),
} as const;

/** Members of a history entry that a config does not have. */
const historyOnly = ["id", "parent", "parent_id", "layer_id", "throwaway", "Size"];

/**
 * The Docker config that a schema 1 image would have.
 *
 * @param diffIds of the layers of the steps that left files, base first
 * @throws {ContentError} `content.bad-config`
 */
export function configOfSchema1(image: Schema1Image, diffIds: readonly string[]): Uint8Array {
  const json = image.steps.at(-1)?.json ?? "{}";
  const v1 = readTopEntry(json);
  const old = v1.docker_version !== "" && isOlder(v1.docker_version, [1, 8, 3]);
  const members = rawMembers(old ? dockerV1Image.write(v1) : json);
  for (const name of historyOnly) members.delete(name);
  members.set("rootfs", dockerRootFs.write({ type: "layers", diff_ids: diffIds }));
  members.set(
    "history",
    dockerHistory.write(
      image.steps.map(({ history, throwaway }) => ({
        created: history.created,
        author: history.author,
        created_by: (history.container_config.Cmd ?? []).join(" "),
        comment: history.comment,
        empty_layer: throwaway,
      })),
    ),
  );
  return encodeUtf8(goMap(members));
}

function readTopEntry(json: string): GoValue<typeof dockerV1Image> {
  try {
    return readConfigAs(dockerV1Image, json);
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw new ContentError(error.code, `decoding configuration: ${error.message}`);
  }
}

/** A schema 1 manifest made of an image's config and layers. */
export interface Schema1Parts {
  readonly manifest: GoValue<typeof schema1Manifest>;
  /** Of each step, base first: the position of its layer among the image's, or undefined for {@link emptyLayer}. */
  readonly layerPositions: readonly (number | undefined)[];
}

/**
 * A schema 1 manifest for an image of the given Docker or OCI config. The ids in it are made as Docker made them.
 *
 * @param layers digests of the image's layers, base first
 * @param name what the manifest says it is called: the destination's repository path and tag
 * @throws {ContentError} `content.bad-config`
 * @throws {CopyError} `copy.unsupported` for a config whose history does not account for the layers
 */
export function schema1OfConfig(
  config: Uint8Array,
  layers: readonly Digest[],
  name: { readonly name: string; readonly tag: string },
): Schema1Parts {
  const json = decodeUtf8(config);
  const { history, architecture } = readConfigAs(dockerImage, json);
  if (history === null || history.length === 0) {
    throw unsupported(
      `Cannot convert an image with 0 history entries to ${mediaTypes.schema1Signed}`,
    );
  }
  const layerPositions = positionsOf(history, layers.length);
  const blobs = layerPositions.map((at) => (at === undefined ? emptyLayer.digest : layers[at]));
  let parent = "";
  let id = "";
  const entries = history.map((entry, index) => {
    parent = id;
    id = v1Id(blobs[index] as Digest, parent);
    return v1Compatibility.write({
      id,
      parent,
      comment: entry.comment,
      created: entry.created,
      container_config: { Cmd: [entry.created_by] },
      author: entry.author,
      throwaway: entry.empty_layer,
    });
  });
  const topId = v1Id(blobs.at(-1) as Digest, parent, json);
  const throwaway = history.at(-1)?.empty_layer ?? false;
  entries[entries.length - 1] = topEntry(json, { id: topId, parent, throwaway });
  const manifest = {
    ...name,
    architecture,
    fsLayers: blobs.map((blobSum) => ({ blobSum: blobSum as string })).reverse(),
    history: entries.map((entry) => ({ v1Compatibility: entry })).reverse(),
    schemaVersion: 1n,
  };
  return { manifest, layerPositions };
}

function positionsOf(
  history: readonly { readonly empty_layer: boolean }[],
  layerCount: number,
): readonly (number | undefined)[] {
  let next = 0;
  return history.map(({ empty_layer }) => {
    if (empty_layer) return undefined;
    if (next >= layerCount) {
      throw unsupported(
        `Invalid image configuration, needs more than the ${layerCount} distributed layers`,
      );
    }
    next += 1;
    return next - 1;
  });
}

/** The whole config, but for what schema 1 says in its other entries and by its layers. */
function topEntry(
  json: string,
  { id, parent, throwaway }: { id: string; parent: string; throwaway: boolean },
): string {
  const members = rawMembers(json);
  members.delete("rootfs");
  members.delete("history");
  members.set("id", goString(id));
  if (parent !== "") members.set("parent", goString(parent));
  if (throwaway) members.set("throwaway", "true");
  return goMap(members);
}

function v1Id(blob: Digest, ...others: readonly string[]): string {
  const text = [hexOf(blob), ...others].join(" ");
  return createHash("sha256").update(encodeUtf8(text)).digest("hex");
}

/** The members of an object as written, each once: the last one counts. */
function rawMembers(json: string): Map<string, string> {
  const document = parseJsonText(json, { maxDepth: 1000 });
  if (!(document instanceof JsonObject)) {
    throw new ContentError("content.bad-config", "image config is not a JSON object");
  }
  return new Map(document.members.map(({ name, raw }) => [name, goCompact(raw)]));
}

/** Whether a Docker version comes before `limit`; parts that are no numbers count as 0. */
function isOlder(version: string, limit: readonly number[]): boolean {
  const parts = version.split(".").map((part) => (/^[+-]?\d+$/.test(part) ? Number(part) : 0));
  for (const [index, bound] of limit.entries()) {
    const part = parts[index] ?? 0;
    if (part !== bound) return part < bound;
  }
  return false;
}

function unsupported(message: string): CopyError {
  return new CopyError("copy.unsupported", message);
}
