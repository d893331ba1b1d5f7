import { KnownError } from "../core/errors.ts";

/** What can be wrong with a docker archive. */
export type DockerTarErrorCode =
  /** It is no archive of images, or does not hold what it says. */
  | "docker-tar.invalid"
  /** No image of it is the one asked for, or more than one may be. */
  | "docker-tar.no-choice"
  /** It can be read once only, and not in the order that this would take. */
  | "docker-tar.no-rewind"
  /** It cannot hold what it is given. */
  | "docker-tar.unsupported"
  /** It is there already. */
  | "docker-tar.exists"
  | "docker-tar.unreadable"
  | "docker-tar.unwritable";

/** A docker archive cannot be read or written. */
export class DockerTarError extends KnownError<DockerTarErrorCode> {}

/** @throws {DockerTarError} `docker-tar.invalid` */
export function invalid(message: string, cause?: unknown): DockerTarError {
  return new DockerTarError("docker-tar.invalid", message, { cause });
}
