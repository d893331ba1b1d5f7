import type { ArchiveFiles, ReadOptions } from "./archive-files.ts";
import {
  type ManifestItem,
  manifestFileName,
  maxManifestFileBytes,
  parseManifestFile,
} from "./manifest-file.ts";

/** The images that an archive's manifest.json tells of. @throws {DockerTarError} `docker-tar.invalid`, `docker-tar.no-rewind` */
export async function readItems(
  files: ArchiveFiles,
  options: ReadOptions,
): Promise<readonly ManifestItem[]> {
  const bytes = await files.readSmall(manifestFileName, maxManifestFileBytes, options);
  return parseManifestFile(bytes);
}
