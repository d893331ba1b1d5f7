import type { Descriptor } from "../../core/descriptor.ts";
import { parseImageConfig } from "../../core/image-config.ts";
import { isArtifact, parseImageManifest } from "../../core/image-manifest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import { inspectConfig } from "../../core/inspect-view.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType, isSchema1Type } from "../../core/media-type.ts";
import { readBounded } from "../../stream/bounded.ts";
import { pool } from "../../stream/pool.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";

const atOnce = 6;
const maxInstances = 32;
const maxConfigBytes = 8 * 1024 * 1024;
const annotation = "org.opencontainers.image.created";

/**
 * When images were made, in milliseconds since the epoch: as their configs say, or their manifests where those do not;
 * of an index, the first image that says so. Undefined where nothing does.
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
    await using source = await open(key);
    times.set(key, await createdOf(source, await source.readManifest("top", { signal }), signal));
  });
  return times;
}

async function createdOf(
  source: ImageSource,
  manifest: RawManifest,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (!isIndexType(manifest.mediaType)) return await imageCreated(source, manifest, signal);
  const { annotations, instances } = parseIndexManifest(manifest);
  const told = timeOf(annotations?.[annotation]);
  if (told !== undefined) return told;
  for (const { digest, platform } of instances.slice(0, maxInstances)) {
    if (platform?.os === "unknown") continue; // an attestation of buildkit's
    const found = await imageCreated(source, await source.readManifest(digest, { signal }), signal);
    if (found !== undefined) return found;
  }
  return undefined;
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
  return Number.isNaN(time) ? undefined : time;
}
