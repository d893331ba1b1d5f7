import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";

/** A tag or a digest, parsed. */
export type ManifestReference =
  | { readonly type: "tag"; readonly tag: string }
  | { readonly type: "digest"; readonly digest: Digest };

/** A manifest as it is held: `bytes` have been verified against `digest`, which is the one asked for where one was. */
export interface HeldManifest extends RawManifest {
  /** Of one that may not be the newest: what to tell clients (`Warning` header), and for how long it was not asked after. */
  readonly stale?: { readonly warning: string; readonly ageSeconds: number };
}

/** Bytes `start` to `end`, the latter not included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A blob open for reading; dispose of it. */
export interface OpenBlob extends AsyncDisposable {
  readonly size: number;
  /** Where all of it is in a file and verified: to be read from at any offset until disposed of. */
  readonly descriptor?: number;
  /**
   * The bytes in order, as they come; chunks are borrowed until the next is asked for. Of a blob that is still being
   * fetched the last 64 KiB are given only after all of it was verified: a wrong one throws before.
   */
  read(range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Names after `last`, at most `limit`, in code unit order. */
export interface Page {
  readonly last?: string;
  readonly limit: number;
}

/** A page of names. */
export interface NamesPage {
  readonly names: readonly string[];
  /** Whether there are more behind the last. */
  readonly more: boolean;
}

/** An upload as far as it is. */
export interface UploadState {
  readonly id: string;
  /** Bytes held: the next one has this offset. */
  readonly size: number;
}

/** Bytes of an upload, with the range that the client says they have, if it does (`Content-Range`: both included). */
export interface UploadPiece {
  readonly body: AsyncIterable<Uint8Array>;
  readonly range?: { readonly first: number; readonly last: number };
}

/** How an upload is begun. */
export type UploadStart =
  | {
      readonly type: "new";
      /** What the digest at its end will be of, where the client says so: it is hashed but once then. */
      readonly algorithm?: DigestAlgorithm;
    }
  /** From another repository, whose rights and verdict have been looked at. */
  | { readonly type: "mount"; readonly digest: Digest; readonly from: ServedRepository }
  /** From any repository that `mayRead` lets: whoever knows a digest does not own its bytes. */
  | {
      readonly type: "mount";
      readonly digest: Digest;
      readonly from: undefined;
      mayRead(repository: Pick<ServedRepository, "domain" | "path">): boolean | Promise<boolean>;
    };

/** What became of it. */
export type UploadBegun =
  | { readonly type: "open"; readonly upload: UploadState }
  | { readonly type: "mounted" };

/** A manifest to be kept. */
export interface ManifestPut {
  readonly manifest: RawManifest;
  /** All of the tags that it gets, at once with it; empty where it goes by digest alone. */
  readonly tags: readonly string[];
  /** What the (one) tag must stand for, from If-Match and If-None-Match: `*` of the latter is "nothing". */
  readonly instead?: Digest | "nothing";
}

/** What a client is told of a manifest put. */
export interface ManifestKept {
  readonly digest: Digest;
  /** The `subject`'s digest where the manifest has one, whether it is there or not. */
  readonly subject?: Digest;
}

/**
 * Where the repositories of an endpoint are. Absence is undefined or false; every failure is a `RegistryAnswerError`
 * (`answer-error.ts`) with the status and code that clients are to see. It knows nothing of rights, policy or HTTP.
 *
 * OCI distribution-spec 1.1; `specs/registry.md` 5.3.
 */
export interface Backend {
  /** For HEAD as well: HEAD of a tag may cost an upstream no pull. */
  readManifest(
    repository: ServedRepository,
    reference: ManifestReference,
    call: ServerCall,
  ): Promise<HeldManifest | undefined>;
  statBlob(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<{ readonly size: number } | undefined>;
  /** `range` is a hint of what will be read first. */
  openBlob(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall & { readonly range?: ByteRange },
  ): Promise<OpenBlob | undefined>;
  /** Undefined where there is no such repository. */
  listTags(
    repository: ServedRepository,
    page: Page,
    call: ServerCall,
  ): Promise<NamesPage | undefined>;
  /** All of them, unfiltered, descriptors with artifactType and annotations as the spec wants them; empty where none. */
  listReferrers(
    repository: ServedRepository,
    subject: Digest,
    call: ServerCall,
  ): Promise<readonly Descriptor[]>;
  /** Paths below this backend's domain. */
  listRepositories(page: Page, call: ServerCall): Promise<NamesPage>;

  beginUpload(
    repository: ServedRepository,
    start: UploadStart,
    call: ServerCall,
  ): Promise<UploadBegun>;
  /** Undefined where there is no such upload in this repository by this caller. */
  readUpload(
    repository: ServedRepository,
    id: string,
    call: ServerCall,
  ): Promise<UploadState | undefined>;
  /**
   * Bytes held so far stay held where it fails; where the disk is full (507), those of requests before this one. 416 where
   * `range` does not begin at `size`.
   */
  appendUpload(
    repository: ServedRepository,
    id: string,
    piece: UploadPiece,
    call: ServerCall,
  ): Promise<UploadState>;
  /** With the last bytes, if there are any more. 400 DIGEST_INVALID where they are not those of `digest`. */
  finishUpload(
    repository: ServedRepository,
    id: string,
    end: UploadPiece & { readonly digest: Digest },
    call: ServerCall,
  ): Promise<void>;
  cancelUpload(repository: ServedRepository, id: string, call: ServerCall): Promise<boolean>;

  /** Durable when it returns. 400/404 MANIFEST_BLOB_UNKNOWN where something it names is not in this repository. */
  putManifest(
    repository: ServedRepository,
    put: ManifestPut,
    call: ServerCall,
  ): Promise<ManifestKept>;
  /** By digest: with all its tags. By tag: that tag alone. False where there is none. */
  deleteManifest(
    repository: ServedRepository,
    reference: ManifestReference,
    call: ServerCall,
  ): Promise<boolean>;
  deleteBlob(repository: ServedRepository, digest: Digest, call: ServerCall): Promise<boolean>;
}
