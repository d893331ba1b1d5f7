import type { SigstoreSignature } from "../../../sigstore/cosign/attachment.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import type { Lookaside } from "../../../sigstore/lookaside/open-lookaside.ts";
import type { SignedSubject, UntrustedSignature } from "../../../sigstore/signature.ts";
import type { SignatureStore } from "../../../sigstore/store.ts";
import type { Endpoint } from "../../config/endpoints.ts";
import type { Digest } from "../../core/digest.ts";
import { repositoryName } from "../../core/docker-reference.ts";
import type { Repository } from "../../registry/repository.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { readAttachments, writeAttachments } from "./attachments.ts";

type Format = UntrustedSignature["format"];
type SimpleSignature = Extract<UntrustedSignature, { format: "simple-signing" }>;

/** Where the signatures of one repository are kept besides the registry itself, and whether in it as attachments. */
export interface RepositoryPlaces {
  /** What the look-aside is called: a URL. */
  readonly where: string;
  readonly read: SignatureStore;
  readonly write: Lookaside;
  /** Read besides: an extension of ours. */
  readonly more: readonly { readonly where: string; readonly store: SignatureStore }[];
  readonly attachments: boolean;
  /** Told what is looked for and found in the repository: of use to who wonders where a signature is. */
  readonly tell?: (text: string) => void;
  /** Any other look-aside, to read from and to write to. */
  open(url: string): Lookaside;
}

/**
 * Finds the places for the repository that an endpoint names.
 *
 * @throws {ConfigError} where registries.d cannot be read: nothing goes on without it
 */
export type FindSignaturePlaces = (endpoint: Endpoint) => Promise<RepositoryPlaces>;

/**
 * The signatures of one repository at one registry: in the registry's own API where it has one, which then stands in for
 * the look-aside, and in attachments besides where those are asked for — `specs/signing.md` 3 and 4.1.
 */
export class RepositorySignatures {
  readonly #repository: Repository;
  readonly #places: RepositoryPlaces;
  readonly #name: string;
  readonly #reads = new Map<Digest, Promise<readonly UntrustedSignature[]>>();

  constructor(
    { reference }: Pick<Endpoint, "reference">,
    repository: Repository,
    places: RepositoryPlaces,
  ) {
    this.#name = repositoryName(reference);
    this.#repository = repository;
    this.#places = places;
  }

  /**
   * Begins what reading will need, since it will be asked for: all of it where the digest is known, else connections, and
   * the question what this registry can do. A failure is told to who reads.
   */
  expect(manifest: Digest | undefined, call: CallOptions): void {
    if (manifest) return void begun(this.read(manifest, call));
    void begun(this.#repository.hasSignaturesApi(call));
    for (const store of [this.#places.read, ...this.#places.more.map(({ store }) => store)]) {
      store.expect?.();
    }
  }

  /** Begins what {@link checkFormats} and {@link write} will need. */
  expectWriting(call: CallOptions): void {
    void begun(this.#repository.hasSignaturesApi(call));
  }

  /** Read once for all who ask. */
  read(manifest: Digest, call: CallOptions): Promise<readonly UntrustedSignature[]> {
    const known = this.#reads.get(manifest);
    if (known) return known;
    const reading = this.#readAll(manifest, call);
    this.#reads.set(manifest, reading);
    reading.catch(() => this.#reads.delete(manifest));
    return reading;
  }

  /**
   * Whether there is any, by what is known of the registry: to find that nothing is to be done it is not asked what it is
   * able to. One that says so at `/v2/` alone thus passes for one without signatures of its own.
   */
  async any(manifest: Digest, call: CallOptions): Promise<boolean> {
    const api = await this.#repository.announcedSignaturesApi();
    return (await this.#readAll(manifest, call, api)).length > 0;
  }

  /** Whether any image of the repository may have signatures, as far as can be told without a request. */
  async mayHaveAny(): Promise<boolean> {
    const { attachments, read, more } = this.#places;
    if (attachments || (await this.#repository.announcedSignaturesApi())) return true;
    for (const store of [read, ...more.map(({ store }) => store)]) {
      if (!store.mayHold || (await store.mayHold(this.#name))) return true;
    }
    return false;
  }

  async #readAll(
    manifest: Digest,
    call: CallOptions,
    api?: boolean,
  ): Promise<readonly UntrustedSignature[]> {
    const { attachments, more, tell } = this.#places;
    const subject = this.#subject(manifest);
    if (!attachments) tell?.("Not looking for sigstore attachments: disabled by configuration");
    const attached = attachments && begun(this.#readAttached(manifest, call));
    const others =
      more.length > 0 && begun(Promise.all(more.map(({ store }) => store.read(subject, call))));
    const first = await this.#readFirst(manifest, call, api);
    const known = others ? distinct(first, (await others).flat()) : first;
    return attached ? [...known, ...(await attached)] : known;
  }

  #readAttached(manifest: Digest, call: CallOptions): Promise<readonly UntrustedSignature[]> {
    return readAttachments(this.#repository, manifest, { ...call, tell: this.#places.tell });
  }

  /** The look-aside is read while the registry is still asked whether it counts: most have no API. */
  async #readFirst(
    manifest: Digest,
    call: CallOptions,
    api: boolean | undefined,
  ): Promise<readonly UntrustedSignature[]> {
    const known = api ?? ((await this.#repository.announcedSignaturesApi()) || undefined);
    const beside = known ? undefined : begun(this.#places.read.read(this.#subject(manifest), call));
    if (beside && !(known ?? (await this.#repository.hasSignaturesApi(call)))) return await beside;
    const kept = await this.#repository.readKeptSignatures(manifest, call);
    return kept.map((bytes) => ({ format: "simple-signing", bytes }));
  }

  /**
   * Fails as {@link write} would for signatures of these formats, where that is known beforehand.
   *
   * @throws {SignatureError} `signature.store-failed`
   */
  async checkFormats(
    manifest: Digest,
    formats: readonly Format[],
    call: CallOptions,
  ): Promise<void> {
    if (formats.includes("sigstore") && !this.#places.attachments) throw attachmentsDisabled();
    if (!formats.includes("simple-signing")) return;
    if (await this.#repository.hasSignaturesApi(call)) return;
    await this.#places.write.checkWritable(this.#subject(manifest));
  }

  /** What stands of these formats where {@link write} adds more; a look-aside that is only read from is not asked. */
  async standing(
    manifest: Digest,
    formats: readonly Format[],
    call: CallOptions,
  ): Promise<readonly UntrustedSignature[]> {
    const attached =
      formats.includes("sigstore") && this.#places.attachments
        ? await this.#readAttached(manifest, call)
        : [];
    if (!formats.includes("simple-signing")) return attached;
    if (!(await this.#repository.hasSignaturesApi(call))) {
      const kept = await this.#places.write.read(this.#subject(manifest), call);
      return [...kept, ...attached];
    }
    const kept = await this.#repository.readKeptSignatures(manifest, call);
    return [...kept.map((bytes) => ({ format: "simple-signing", bytes }) as const), ...attached];
  }

  /** Adds those that are not there yet. */
  async write(
    manifest: Digest,
    signatures: readonly UntrustedSignature[],
    call: CallOptions,
  ): Promise<void> {
    const sigstore = signatures.filter(isSigstore);
    if (sigstore.length > 0) {
      if (!this.#places.attachments) throw attachmentsDisabled();
      await writeAttachments(this.#repository, manifest, sigstore, call);
    }
    const simple = signatures.filter(isSimple);
    if (simple.length === 0) return;
    if (!(await this.#repository.hasSignaturesApi(call))) {
      return await this.#places.write.append(this.#subject(manifest), simple, call);
    }
    const contents = simple.map(({ bytes }) => bytes);
    await this.#repository.keepSignatures(manifest, contents, call);
  }

  /** Removes what the look-aside has of a manifest that is no more. */
  async removeAll(manifest: Digest, call: CallOptions): Promise<void> {
    await this.#places.write.removeAll(this.#subject(manifest), call);
  }

  #subject(manifestDigest: Digest): SignedSubject {
    return { repository: this.#name, manifestDigest };
  }
}

/** A promise that is awaited later: what it fails with is told then, if anybody asks. */
function begun<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function isSigstore(signature: UntrustedSignature): signature is SigstoreSignature {
  return signature.format === "sigstore";
}

function isSimple(signature: UntrustedSignature): signature is SimpleSignature {
  return signature.format === "simple-signing";
}

/** All of `first` as it is, then each of `others` once that is not among it. */
function distinct(
  first: readonly UntrustedSignature[],
  others: readonly UntrustedSignature[],
): readonly UntrustedSignature[] {
  const known = new Set(first.map(keyOf));
  const more = new Map(others.map((signature) => [keyOf(signature), signature]));
  return [...first, ...[...more].filter(([key]) => !known.has(key)).map(([, each]) => each)];
}

function keyOf(signature: UntrustedSignature): string {
  if (signature.format === "simple-signing") return Buffer.from(signature.bytes).toString("base64");
  const { mediaType, payload, annotations } = signature;
  return JSON.stringify([mediaType, Buffer.from(payload).toString("base64"), annotations]);
}

function attachmentsDisabled(): SignatureError {
  return new SignatureError(
    "signature.store-failed",
    "writing sigstore attachments is disabled by configuration",
    { hint: "Set use-sigstore-attachments: true for the repository in registries.d" },
  );
}
