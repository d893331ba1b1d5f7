import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatEnvelope } from "../../../sigstore/envelope.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { BlobFolder } from "../../layout/blob-folder.ts";
import { writing } from "../../layout/errors.ts";
import { identifyProcess, type OwnProcess } from "../../layout/owner.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type {
  BlobPlace,
  DestinationTraits,
  ExpectedImage,
  ImageDestination,
  ImageWriter,
} from "../contract/image-destination.ts";
import type { KeepReplaced } from "../contract/transport.ts";
import { adoptStanding } from "./adopt-standing.ts";
import {
  blobFile,
  instanceFile,
  manifestFile,
  signatureFile,
  versionFile,
  versionText,
} from "./file-names.ts";
import { digestIn, keepReplacedFolder } from "./keep-replaced.ts";
import { wouldOverwrite } from "./location.ts";
import { namedFolders } from "./named.ts";
import { type Aside, lookAt, makeAside, type Standing } from "./place.ts";
import { type TakePlaceOptions, takePlace } from "./take-place.ts";

/** How a folder takes an image. */
export interface DirDestinationOptions {
  readonly layers: DestinationTraits["layers"];
  /** As in {@link OpenDestinationOptions}. */
  readonly onlyIfFree?: boolean;
  readonly keepReplaced?: KeepReplaced;
}

/**
 * Begins an image for `folder`. Nothing in it changes before the image is committed.
 *
 * @param folder absolute, and free of links
 * @throws {TransportError} `transport.unsupported` for a folder of something else
 * @throws {LayoutError} where it can neither be read nor written
 */
export async function openDirDestination(
  reference: ImageReference,
  folder: string,
  options: DirDestinationOptions,
): Promise<ImageDestination> {
  const standing = await lookAt(folder);
  const self = await identifyProcess();
  const aside = await writing(`open ${folder}`, () => makeAside(folder, standing, self));
  return new DirDestination({ reference, folder, standing, aside, self }, options);
}

interface Destined {
  readonly reference: ImageReference;
  readonly folder: string;
  readonly standing: Standing;
  readonly aside: Aside;
  readonly self: OwnProcess;
}

class DirDestination implements ImageDestination {
  readonly reference: ImageReference;
  readonly traits: DestinationTraits;
  readonly #destined: Destined;
  readonly #options: DirDestinationOptions;
  readonly #blobs: BlobFolder;
  /** All that files are named by. */
  readonly #digests = new Set<Digest>();
  #top: Digest | undefined;

  constructor(destined: Destined, options: DirDestinationOptions) {
    const { aside, self } = destined;
    this.reference = destined.reference;
    this.#destined = destined;
    this.#options = options;
    this.#blobs = new BlobFolder({
      unfinished: aside.path,
      pathOf: (digest) => join(aside.path, blobFile(digest)),
      self,
    });
    this.traits = {
      manifestTypes: [],
      indexes: true,
      signatureFormats: ["simple-signing", "sigstore"],
      openBlobs: 64,
      layers: options.layers,
      newBlobs: "any",
    };
  }

  async openImage(image: ExpectedImage): Promise<ImageWriter> {
    return {
      adoptBlob: async (blob, { role }, origin, call) =>
        await this.#adopt(blob, role, { origin, ...call }),
      writeBlob: async (blob, _place, { signal }) => {
        const written = await this.#blobs.write(blob, signal);
        this.#digests.add(written.digest);
        return written;
      },
      writeManifest: async (manifest) =>
        image.as === "top" ? await this.#writeTop(manifest) : await this.#writeInstance(manifest),
      async [Symbol.asyncDispose]() {},
    };
  }

  /** What this run wrote, and of the image that is there what turns out to be those very bytes. */
  async #adopt(
    blob: Descriptor,
    role: BlobPlace["role"],
    { origin, ...call }: CallOptions & { readonly origin: ImageReference },
  ): Promise<"held" | false> {
    this.#refuseOwn(origin);
    const mayStay = role !== "layer" || this.traits.layers === "as-is";
    if (!this.#digests.has(blob.digest)) return mayStay && (await this.#adoptStanding(blob, call));
    const size = await this.#blobs.sizeOf(blob.digest);
    return size !== undefined && (blob.size < 0 || size === blob.size) ? "held" : false;
  }

  async #adoptStanding(blob: Descriptor, call: CallOptions): Promise<"held" | false> {
    const { folder, standing, aside } = this.#destined;
    if (standing !== "image") return false;
    if (!(await adoptStanding({ folder, aside: aside.path }, blob, call))) return false;
    this.#digests.add(blob.digest);
    return "held";
  }

  #refuseOwn(origin: ImageReference): void {
    const { folder, reference } = this.#destined;
    if (!wouldOverwrite(folder, origin)) return;
    throw new TransportError(
      "transport.unsupported",
      `Cannot copy "${formatImageReference(origin)}" to "${formatImageReference(reference)}": it would overwrite what it is read from`,
      { reference, hint: "Name another folder" },
    );
  }

  async writeIndex(index: RawManifest): Promise<void> {
    await this.#writeTop(index);
  }

  async #writeTop(manifest: RawManifest): Promise<void> {
    await this.#writeFile(manifestFile, manifest.bytes);
    this.#top = manifest.digest;
  }

  async #writeInstance(manifest: RawManifest): Promise<void> {
    this.#digests.add(manifest.digest);
    await this.#writeFile(instanceFile(manifest.digest), manifest.bytes);
  }

  /** Signatures of what is not the top manifest so far are an instance's: an index is written, and signed, last. */
  async writeSignatures(
    manifest: Digest,
    signatures: readonly UntrustedSignature[],
  ): Promise<void> {
    const instance = manifest === this.#top ? undefined : manifest;
    for (const [index, signature] of signatures.entries()) {
      await this.#writeFile(signatureFile(index + 1, instance), formatEnvelope(signature));
    }
  }

  async #writeFile(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#destined.aside.path, name);
    await writing(`open ${path}`, () => writeFile(path, bytes, { mode: 0o644 }));
  }

  async commit({ signal }: CallOptions): Promise<void> {
    const { aside, folder, standing, self } = this.#destined;
    await this.#blobs.settle();
    await this.#writeFile(versionFile, Buffer.from(versionText(this.#digests)));
    signal.throwIfAborted();
    const options = { self, signal };
    await takePlace(aside.path, folder, standing, {
      ...options,
      beforeChange: () => this.#beforeReplacing(options),
    });
  }

  async #beforeReplacing(options: TakePlaceOptions): Promise<void> {
    const { folder, reference } = this.#destined;
    const { onlyIfFree = false, keepReplaced } = this.#options;
    const next = this.#top;
    if (next === undefined) return;
    if (onlyIfFree && ((await digestIn(folder)) ?? next) !== next) throw this.#taken();
    if (!keepReplaced) return;
    const folderOf = (name: string) => namedFolders.byName(reference, name).text;
    await keepReplacedFolder({ folder, next, folderOf }, keepReplaced, options);
  }

  #taken(): TransportError {
    const { reference } = this.#destined;
    const message = `${formatImageReference(reference)} was given to another image meanwhile, and is left to it`;
    return new TransportError("transport.taken", message, { reference });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#blobs[Symbol.asyncDispose]();
    await this.#destined.aside[Symbol.asyncDispose]();
  }
}
