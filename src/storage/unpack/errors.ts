import { KnownError } from "../../core/errors.ts";

/** Why a layer was not unpacked, where its bytes are not broken as such (those are content errors). */
export type UnpackErrorCode =
  /** An entry that cannot be, or must not be made. */
  | "storage.bad-layer"
  /** More entries, bytes or time than a layer may take. */
  | "storage.layer-too-large"
  /** The system refused: no space, no right, no such feature. */
  | "storage.unpack-failed";

/** A layer could not be unpacked; what there is of it is to be deleted. */
export class UnpackError extends KnownError<UnpackErrorCode> {}
