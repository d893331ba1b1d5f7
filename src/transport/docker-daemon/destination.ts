import type { ImageReference } from "../../core/image-reference.ts";
import { ImageArchiveWriter } from "../../docker-tar/image-archive-writer.ts";
import { NewImage } from "../../docker-tar/new-image.ts";
import { refuseZstd } from "../../docker-tar/refuse-zstd.ts";
import { ArchiveWriter } from "../../stream/tar/archive-writer.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type {
  DestinationTraits,
  ExpectedImage,
  ImageDestination,
} from "../contract/image-destination.ts";
import { DockerTarDestination, dockerTarTraits } from "../docker-tar-destination.ts";
import type { EngineClient } from "./engine-client.ts";
import { DaemonError } from "./errors.ts";
import { Handover } from "./handover.ts";

/**
 * Begins an image for the daemon: it gets the archive while it is being written.
 *
 * @throws {TransportError} `transport.unsupported` for what is not a name with a tag
 * @throws {DaemonError} `daemon.unreachable`
 */
export async function openDaemonDestination(
  reference: ImageReference,
  connected: () => EngineClient,
  { signal }: CallOptions,
): Promise<ImageDestination> {
  const { docker } = reference;
  if (docker?.tag === undefined) {
    throw new TransportError(
      "transport.unsupported",
      `Invalid destination docker-daemon:${reference.text}: a destination must be a name:tag`,
      { reference },
    );
  }
  const client = connected();
  await client.connect({ signal });
  return new DaemonDestination(reference, client, signal);
}

class DaemonDestination extends DockerTarDestination {
  /** Packed layers stay packed: their sizes are known, and the daemon unpacks them. */
  readonly traits: DestinationTraits = {
    ...dockerTarTraits,
    layers: "as-is",
    newBlobs: "none",
  };
  readonly #handover = new Handover();
  readonly #images = new ImageArchiveWriter(new ArchiveWriter(this.#handover));
  readonly #givenUp = new AbortController();
  readonly #start: () => Promise<void>;
  #loading: Promise<void> | undefined;

  constructor(reference: ImageReference, client: EngineClient, signal: AbortSignal) {
    super(reference);
    const either = AbortSignal.any([signal, this.#givenUp.signal]);
    this.#start = () => load(client, this.#handover, either);
  }

  protected begin({ manifest: expected }: ExpectedImage): NewImage {
    refuseZstd(expected, "Copy it to a docker-archive: file first, which unpacks the layers");
    const { docker } = this.reference;
    this.#loading ??= this.#start();
    this.#loading.catch(() => {}); // told by the writes that fail of it, and by the commit
    return new NewImage(this.#images, docker ? [docker] : []);
  }

  async commit(): Promise<void> {
    if (!this.#loading) return; // nothing was begun
    await this.#images.finish();
    this.#handover.end();
    await this.#loading;
  }

  /** A request that was not ended is not loaded. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#handover.giveUp();
    this.#givenUp.abort(new DaemonError("daemon.given-up", "the image was not finished"));
    await this.#loading?.catch(() => {});
  }
}

/** Whoever is writing when the daemon says no is told so, rather than that nobody reads. */
async function load(client: EngineClient, archive: Handover, signal: AbortSignal): Promise<void> {
  try {
    await client.load(archive, { signal });
    const early = "the daemon answered before it had the whole image";
    archive.giveUp(new DaemonError("daemon.bad-answer", early));
  } catch (error) {
    const failure = starting(error);
    archive.giveUp(failure);
    throw failure;
  }
}

function starting(error: unknown): unknown {
  if (
    !(error instanceof DaemonError) ||
    !/^(Error response|Cannot connect|error during|request)/.test(error.message)
  ) {
    return error;
  }
  const { code, retryable } = error;
  const message = `starting a load operation in docker engine: ${error.message}`;
  return new DaemonError(code, message, { cause: error, retryable });
}
