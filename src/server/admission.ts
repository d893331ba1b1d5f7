import type { Digest } from "../core/digest.ts";
import type { RawManifest } from "../core/manifest.ts";
import type { ServerCall } from "./caller.ts";
import type { ServedRepository } from "./repository-name.ts";
import type { ManifestReference } from "./v2/backend.ts";

/** What the endpoint may do with something that was asked for. */
export type Decision =
  | {
      readonly allowed: true;
      /** `GET /api/v1/decisions/ID` explains it; absent where no policy was asked (mode off). */
      readonly id?: string;
      /** sha256 of the policy that decided; for the audit log. */
      readonly policy?: string;
    }
  | {
      readonly allowed: false;
      readonly id: string;
      /** 403: refused. 503: cannot be decided now (signatures out of reach), which is no refusal and no leave. */
      readonly status: 403 | 503;
      /** One line for people: `policy: …`. */
      readonly reason: string;
      /** What of a refused manifest's requests is refused: see `refuse-at`. */
      readonly at: "manifest" | "blob";
      readonly policy?: string;
      /**
       * Whether it is refused for the tag's sake alone: asked for by digest it would be let go. A HEAD of such a tag must be
       * refused too, since a client that resolves tags by HEAD fetches by the digest that it is told.
       */
      readonly tagOnly?: boolean;
      /** By the block list: then nobody is told anything, not even whether it is here. */
      readonly blocked?: boolean;
    };

/**
 * Decides what leaves. Asked for every manifest before a byte of it is sent, and in strict scopes for every blob.
 */
export interface Admission {
  admitManifest(
    repository: ServedRepository,
    reference: ManifestReference,
    manifest: RawManifest,
    call: ServerCall,
  ): Promise<Decision>;
  /** Undefined: this scope does not judge blobs, and the block list has nothing against it. */
  admitBlob(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<Decision | undefined>;
  /** For what was admitted: aborts when it is blocked while it is sent, or was before this. */
  watch(repository: ServedRepository, digest: Digest, call: ServerCall): Watch;
}

/** Held while a response runs; dispose of it. */
export interface Watch extends Disposable {
  readonly blocked: AbortSignal;
}
