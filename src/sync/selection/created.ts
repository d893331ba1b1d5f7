import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { parseImageConfig } from "../../core/image-config.ts";
import { isArtifact, parseImageManifest } from "../../core/image-manifest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import { inspectConfig } from "../../core/inspect-view.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType, isManifestType, isSchema1Type } from "../../core/media-type.ts";
import { readBounded } from "../../stream/bounded.ts";
import { pool } from "../../stream/pool.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";
import { isAbsence } from "../absence.ts";

const atOnce = 6;
const maxInstances = 32;
const maxConfigBytes = 8 * 1024 * 1024;
/** What Go's tools write where there is no time. */
const goZeroTime = Date.parse("0001-01-01T00:00:00Z");
const annotation = "org.opencontainers.image.created";

/**
 * When images were made, in milliseconds since the epoch: as their configs say, or their manifests where those do not;
 * of an index, the first image that says so, also of indexes within it. Undefined where nothing does, and of what is not
 * there: registries list tags whose manifest is gone, and indexes name images that were not brought along.
 *
 * @throws {KnownError} where one cannot be read
 */
export async function createdAt(
  keys: readonly string[],
  open: (key: string) => Promise<ImageSource>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number | undefined>> {
  const times = new Map<string, number | undefined>();
  await pool(keys, atOnce, signal, async (key, signal) => {
    const created = await unlessAbsent(async () => {
      await using source = await open(key);
      return await createdOf(source, await source.readManifest("top", { signal }), signal);
    });
    times.set(key, created);
  });
  return times;
}

async function createdOf(
  source: ImageSource,
  top: RawManifest,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { created, within } = await readCreated(source, top, signal);
  if (created !== undefined) return created;
  const waiting = [...within];
  for (let looked = 0; looked < maxInstances; looked++) {
    const digest = waiting.shift();
    if (digest === undefined) break;
    const found = await unlessAbsent(async () =>
      readCreated(source, await source.readManifest(digest, { signal }), signal),
    );
    if (found?.created !== undefined) return found.created;
    waiting.unshift(...(found?.within ?? []));
  }
  return undefined;
}

/** When a manifest says that it was made, and what it names that may say so in its place. */
interface Created {
  readonly created: number | undefined;
  readonly within: readonly Digest[];
}

async function readCreated(
  source: ImageSource,
  manifest: RawManifest,
  signal: AbortSignal,
): Promise<Created> {
  const { mediaType } = manifest;
  if (!isIndexType(mediaType))
    return { created: await imageCreated(source, manifest, signal), within: [] };
  const { annotations, instances } = parseIndexManifest(manifest);
  const images = instances.filter(
    ({ platform, mediaType }) => platform?.os !== "unknown" && isManifestType(mediaType), // an attestation of buildkit's, or no manifest
  );
  return {
    created: timeOf(annotations?.[annotation]),
    within: images.map(({ digest }) => digest),
  };
}

async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

async function imageCreated(
  source: ImageSource,
  manifest: RawManifest,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (isSchema1Type(manifest.mediaType)) return timeOf(inspectConfig(manifest, undefined).created);
  const image = parseImageManifest(manifest);
  const told = isArtifact(image) ? undefined : await configCreated(source, image.config, signal);
  return told ?? timeOf(image.annotations?.[annotation]);
}

async function configCreated(
  source: ImageSource,
  config: Descriptor,
  signal: AbortSignal,
): Promise<number | undefined> {
  await using blob = await source.openBlob(config, { signal });
  const bytes = await readBounded(blob, maxConfigBytes, `config ${config.digest}`);
  return timeOf(parseImageConfig(bytes).created);
}

function timeOf(text: string | null | undefined): number | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) || time === goZeroTime ? undefined : time;
}
