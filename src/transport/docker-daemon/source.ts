import type { ImageReference } from "../../core/image-reference.ts";
import type { ArchiveFiles } from "../../docker-tar/archive-files.ts";
import { readItems } from "../../docker-tar/items.ts";
import { openPlainArchive } from "../../docker-tar/plain-archive.ts";
import { openTapeArchive } from "../../docker-tar/tape-archive.ts";
import { spool } from "../../layout/spool.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { ImageSource } from "../contract/image-source.ts";
import { DockerTarSource } from "../docker-tar-source.ts";
import type { EngineClient } from "./engine-client.ts";
import { DaemonError } from "./errors.ts";

/** How an image is taken from a daemon. */
export interface DaemonSourceOptions extends CallOptions {
  /** A folder to keep it in while it is read. Without one it is asked for twice: to see what it is, and to read it. */
  readonly spoolFolder?: string;
}

/**
 * Asks the daemon for an image, and looks through what comes.
 *
 * @throws {DaemonError} `daemon.unreachable`, `daemon.refused`
 * @throws {DockerTarError} `docker-tar.invalid`
 */
export async function openDaemonSource(
  reference: ImageReference,
  client: EngineClient,
  options: DaemonSourceOptions,
): Promise<ImageSource> {
  const files = await openImage(reference.text, client, options);
  try {
    const items = await readItems(files, options);
    const digest = reference.docker?.digest;
    const close = async () => files[Symbol.asyncDispose]();
    return new DockerTarSource(reference, {
      files,
      items,
      wanted: {},
      close,
      ...(digest && { digest }),
    });
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

async function openImage(
  name: string,
  client: EngineClient,
  options: DaemonSourceOptions,
): Promise<ArchiveFiles> {
  try {
    if (options.spoolFolder === undefined) {
      const open = ({ signal }: CallOptions) => client.save(name, { signal });
      return await openTapeArchive({ open, rewinds: true }, options);
    }
    const kept = await spool(client.save(name, options), options.spoolFolder);
    return await openPlainArchive(kept, kept.close, options);
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    const { code, retryable } = error;
    const message = `loading image from docker engine: ${error.message}`;
    throw new DaemonError(code, message, { cause: error, retryable });
  }
}
