import type { Digest } from "./digest.ts";

/** `domain/path[:tag][@digest]`, fully spelled out: Docker Hub's short names are expanded on parsing. */
export interface DockerReference {
  /** Host, with the port if one was given: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** Repository path: `library/alpine`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}
