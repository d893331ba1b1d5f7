import type { Digest } from "./digest.ts";
import type { Platform } from "./platform.ts";

/** What some content is: type, digest, length in bytes — OCI image-spec, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes; −1 where it is not told, as in schema 1 manifests. */
  readonly size: number;
  /** Where a foreign (non-distributable) layer may be fetched. */
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Base64 of the content itself. */
  readonly data?: string;
  /** Of a manifest in an index or a referrers list. */
  readonly artifactType?: string;
  /** Of an instance in an index. */
  readonly platform?: Platform;
}
