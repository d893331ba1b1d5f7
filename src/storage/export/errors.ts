import { KnownError } from "../../core/errors.ts";

/** Why the tar of a layer cannot be made again from its tree. */
export type ExportErrorCode =
  | "storage.bad-tar-split"
  | "storage.no-tar-split"
  | "storage.changed-file"
  | "storage.unreadable-file";

/** A layer cannot be given as the tar that it came as. */
export class ExportError extends KnownError<ExportErrorCode> {}
