import type { Access } from "../access.ts";
import type { Admission } from "../admission.ts";
import type { AuditLog } from "../audit.ts";
import type { PushSigning } from "../push-signing.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { Report, RequestEvent } from "../server-event.ts";
import type { RegistryAnswerError } from "./answer-error.ts";
import type { Backend } from "./backend.ts";

/** What a client says of the repository it means. */
export interface AskedRepository {
  /** Behind `/v2/`, checked to be a repository's name. */
  readonly path: string;
  /** `?ns=` or `OCI-Namespace`: the registry whose it is, as written. */
  readonly namespace: string | undefined;
  /** The Host header, in lower case. */
  readonly host: string | undefined;
  /** What of `path` stood in front of `v2`. */
  readonly front?: string | undefined;
}

/** Sizes and times that the registry's face holds its clients to. */
export interface V2Limits {
  /** Of a manifest's bytes; the spec wants no less than 4 MiB. */
  readonly maxManifestBytes: number;
  /** Of one blob's bytes. */
  readonly maxBlobBytes: number;
  /** How long a client may neither send of its body nor take of its answer, in milliseconds. */
  readonly idleMs: number;
  /** Of all answers' buffers together; those that find none left make do with small ones. */
  readonly bufferBytes: number;
}

/** Those used where nothing else is said. */
export const usualV2Limits: V2Limits = {
  maxManifestBytes: 4 * 1024 * 1024,
  maxBlobBytes: Number.MAX_SAFE_INTEGER,
  idleMs: 60_000,
  bufferBytes: 32 * 1024 * 1024,
};

/** A request that has ended, one way or another. Bytes are those of content: without headers. */
export interface V2RequestEvent extends RequestEvent {
  /** As in the answer's `X-Request-Id`. */
  readonly id: string;
  /** `domain/path`. */
  readonly repository?: string;
  /** Tag, digest, or an upload's id. */
  readonly reference?: string;
  /** Why it was refused, or failed. */
  readonly code?: string;
  /** Of the decision that refused it. */
  readonly decision?: string;
}

/** What the registry's face is made of. */
export interface V2Parts {
  /** Whose repository is meant, or why none is: an open proxy would fetch from anywhere. */
  route(asked: AskedRepository): ServedRepository | RegistryAnswerError;
  backendOf(repository: ServedRepository): Backend;
  /** What `/v2/_catalog` lists; without it there is no such endpoint. */
  readonly catalog?: Backend;
  /** By default everybody may do everything. */
  readonly access?: Access;
  /** By default everything may leave. */
  readonly admission?: Admission;
  readonly signing?: PushSigning;
  /** Whether `X-Registry-Supports-Signatures` is announced. */
  readonly signaturesApi?: boolean;
  /** Whether anything can be deleted at all; by default it can. */
  readonly deletion?: boolean;
  readonly audit?: AuditLog;
  /** Told of each request when it has ended, and of failures that nobody foresaw. */
  readonly report?: Report;
  readonly limits?: Partial<V2Limits>;
  /** Milliseconds, of any clock that does not go back. */
  now(): number;
}
