import type { DockerReference } from "./docker-reference.ts";

/** What stands before the colon of an image name. */
export type TransportName =
  | "docker"
  | "oci"
  | "dir"
  | "containers-storage"
  | "docker-archive"
  | "oci-archive"
  | "docker-daemon"
  | "tarball"
  | "atomic";

/** Where an image is. Absolute, so that it means the same in another process; no connection is open. */
export interface ImageReference {
  readonly transport: TransportName;
  /** What stands behind `transport:`. Parsing it again gives an equal reference. */
  readonly text: string;
  /** As the user wrote it, for messages of this run; absent where that is `text`. To be left out where it is kept. */
  readonly typed?: string;
  /** The name a signature would claim for this image; absent where the transport has no names. */
  readonly docker?: DockerReference;
  /** The key under which the trust policy knows exactly this image. */
  readonly policyIdentity: string;
  /** Wider policy keys, the narrowest first; the transport's default ("") is implied after them. */
  readonly policyNamespaces: readonly string[];
}

/** `transport:text`, as the user typed it: for messages. */
export function formatImageReference(reference: ImageReference): string {
  return `${reference.transport}:${reference.typed ?? reference.text}`;
}
