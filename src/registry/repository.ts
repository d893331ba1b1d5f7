import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { referrerEntry, subjectOf } from "../core/subject.ts";
import { BlobStream, type NewBlob } from "../stream/blob-stream.ts";
import {
  type BlobSection,
  openBlob,
  openForeignBlob,
  openUnchecked,
  type UncheckedBytes,
} from "./blob-download.ts";
import { holdsBlob, isHeld, statBlob } from "./blob-presence.ts";
import { BlobUpload } from "./blob-upload.ts";
import { listCatalog } from "./catalog.ts";
import { deleteBlob, deleteManifest } from "./deletion.ts";
import {
  type FetchedManifest,
  type HeadOptions,
  headManifest,
  type ManifestCallOptions,
  type ManifestHead,
  readManifest,
  type WriteOptions,
  type WrittenManifest,
  writeManifest,
} from "./manifests.ts";
import { writeNewBlob } from "./new-blob-upload.ts";
import { openUpload } from "./open-upload.ts";
import { addReferrer, removeReferrer } from "./referrer-changes.ts";
import { readReferrers } from "./referrers.ts";
import { knowWritten, type RepositoryState } from "./repository-state.ts";
import { keepSignatures, readKeptSignatures } from "./signatures-api.ts";
import { listTags } from "./tags.ts";
import type { UploadSession } from "./upload-session.ts";

/** Every call that may wait can be called off. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** One repository at one registry — OCI distribution-spec. Dispose of it: uploads opened and not finished are cancelled. */
export class Repository implements AsyncDisposable {
  readonly #state: RepositoryState;
  /** Uploads that an {@link adoptBlob} opened on its way, for the {@link writeBlob} to come. */
  readonly #opened = new Map<Digest, UploadSession>();

  constructor(state: RepositoryState) {
    this.#state = state;
  }

  /** `docker.io/library/alpine` */
  get name(): string {
    return this.#state.name;
  }

  /** `docker.io` */
  get host(): string {
    return this.#state.channel.options.host;
  }

  /** Makes contact with the registry, before there is anything to ask. Nothing is waited for. */
  expect(): void {
    this.#state.channel.expect();
  }

  /** By tag or digest; not verified. See {@link readManifest}. */
  readManifest(reference: string, options: ManifestCallOptions): Promise<FetchedManifest> {
    return readManifest(this.#state, reference, options);
  }

  headManifest(reference: string, options: HeadOptions): Promise<ManifestHead> {
    return headManifest(this.#state, reference, options);
  }

  writeManifest(
    reference: string,
    manifest: RawManifest,
    options: WriteOptions,
  ): Promise<WrittenManifest> {
    return writeManifest(this.#state, reference, manifest, options);
  }

  /**
   * As {@link writeManifest}; and enters the manifest in the fallback tag of its subject, where it has one that the
   * registry took no note of — OCI distribution-spec § Pushing Manifests with Subject.
   *
   * @throws also what {@link addReferrer} throws: the manifest then stands there, and may be pushed again
   */
  async pushManifest(
    reference: string,
    manifest: RawManifest,
    options: WriteOptions,
  ): Promise<WrittenManifest> {
    const written = await this.writeManifest(reference, manifest, options);
    const subject = written.subjectNoted ? undefined : subjectOf(manifest);
    if (subject) await this.addReferrer(subject, referrerEntry(manifest), options);
    return written;
  }

  /** See {@link deleteManifest}. */
  deleteManifest(reference: string, options: ManifestCallOptions): Promise<void> {
    return deleteManifest(this.#state, reference, options);
  }

  /** See {@link deleteBlob}. */
  deleteBlob(digest: Digest, { signal }: CallOptions): Promise<void> {
    return deleteBlob(this.#state, digest, signal);
  }

  listTags({ signal }: CallOptions): Promise<readonly string[]> {
    return listTags(this.#state, signal);
  }

  /** See {@link listCatalog}: of the whole registry. */
  listCatalog({ signal }: CallOptions): Promise<readonly string[]> {
    return listCatalog(this.#state, signal);
  }

  /** By the referrers API or the fallback tag; empty where there are none. */
  readReferrers(
    subject: Digest,
    options: CallOptions & { readonly artifactType?: string },
  ): Promise<readonly Descriptor[]> {
    return readReferrers(this.#state, subject, options);
  }

  /** See {@link Channel.announcedSignaturesApi}. */
  announcedSignaturesApi(): Promise<boolean> {
    return this.#state.channel.announcedSignaturesApi();
  }

  /** See {@link Channel.hasSignaturesApi}. */
  hasSignaturesApi({ signal }: CallOptions): Promise<boolean> {
    return this.#state.channel.hasSignaturesApi(this.#state.scopes, signal);
  }

  /** See {@link readKeptSignatures}. */
  async readKeptSignatures(
    manifest: Digest,
    { signal }: CallOptions,
  ): Promise<readonly Uint8Array[]> {
    return (await readKeptSignatures(this.#state, manifest, signal)).contents;
  }

  /** See {@link keepSignatures}. */
  keepSignatures(
    manifest: Digest,
    contents: readonly Uint8Array[],
    { signal }: CallOptions,
  ): Promise<void> {
    return keepSignatures(this.#state, manifest, contents, signal);
  }

  /** For a manifest whose subject the registry took no note of ({@link WrittenManifest}). */
  addReferrer(subject: Digest, entry: Descriptor, { signal }: CallOptions): Promise<void> {
    return addReferrer(this.#state, subject, entry, signal);
  }

  /** The reverse of {@link addReferrer}. */
  removeReferrer(subject: Digest, referrer: Digest, { signal }: CallOptions): Promise<void> {
    return removeReferrer(this.#state, subject, referrer, signal);
  }

  /** Open from the first byte; see {@link openBlob}. */
  openBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    return openBlob(this.#state, blob, signal);
  }

  /** See {@link statBlob}. */
  statBlob(digest: Digest, { signal }: CallOptions): Promise<number | undefined> {
    return statBlob(this.#state, digest, signal);
  }

  /** See {@link openUnchecked}. */
  openUnchecked(
    blob: Descriptor,
    section: BlobSection,
    { signal }: CallOptions,
  ): Promise<UncheckedBytes> {
    return openUnchecked(this.#state, blob, section, signal);
  }

  /** A foreign layer, from the addresses in its descriptor; without credentials. See {@link openForeignBlob}. */
  openForeignBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    return openForeignBlob(this.#state, blob, signal);
  }

  /** Tells this repository what it holds, so that it is not asked: the blobs of a manifest seen in it. */
  knowHeld(blobs: Iterable<Digest>): void {
    for (const digest of blobs) this.#state.contents.held.add(digest);
  }

  /**
   * Has the blob without sending it, if that can be: it is there, or is mounted from where the registry holds it already,
   * which may be one of `mountFrom`, repositories of the same registry, the likeliest first, or one that is known to have
   * been given it.
   */
  async adoptBlob(
    blob: Descriptor,
    mountFrom: readonly string[],
    { signal }: CallOptions,
  ): Promise<"held" | "mounted" | false> {
    const state = this.#state;
    const { digest } = blob;
    const places = state.contents.held.has(digest) ? [] : await state.places.find(digest, signal);
    const from = [...new Set([...mountFrom, ...places])];
    const held =
      (places.includes(state.path) && (await holdsBlob(state, blob, signal))) ||
      (await isHeld(state, blob, from, signal));
    if (held) {
      await this.#giveUpUpload(digest);
      return "held";
    }
    const opened = await openUpload(state, { digest, mountFrom: from, signal });
    await this.#giveUpUpload(digest);
    if (opened === "mounted") knowWritten(state, digest);
    else this.#opened.set(digest, opened);
    return opened === "mounted" ? "mounted" : false;
  }

  async #giveUpUpload(digest: Digest): Promise<void> {
    const opened = this.#opened.get(digest);
    this.#opened.delete(digest);
    await opened?.cancel();
  }

  /**
   * Reads `blob` to its end. If that fails, nothing is left under its digest.
   *
   * @throws {RegistryError} `registry.source-failed`, with the reading's error as its cause; all else is this side's
   */
  async writeBlob(blob: BlobStream | NewBlob, { signal }: CallOptions): Promise<Descriptor> {
    if (!(blob instanceof BlobStream)) return writeNewBlob(this.#state, blob, signal);
    const { digest } = blob.descriptor;
    const session = this.#opened.get(digest);
    this.#opened.delete(digest);
    await new BlobUpload(this.#state, blob, session, signal).run();
    return blob.descriptor;
  }

  /** Gives up the uploads opened and not begun. */
  async cancelUploads(): Promise<void> {
    const left = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.all(left.map((session) => session.cancel()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cancelUploads();
  }
}
