import type { Gate } from "../../policy/gate.ts";
import type { RawManifest } from "../core/manifest.ts";
import type { Compression } from "../stream/recompress.ts";
import type { ImageDestination } from "../transport/contract/image-destination.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import type { Report } from "./events.ts";
import type { LayerCrypto } from "./layer-crypto.ts";
import type { CopyOptions } from "./options.ts";
import type { Signing } from "./sign.ts";
import type { Transfers } from "./transfers.ts";

/** One copy, of one image or of a list and its instances. */
export interface CopyRequest {
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  /** Not optional: no image is copied unasked. */
  readonly gate: Gate;
  readonly transfers: Transfers;
  readonly compression: Compression;
  readonly options: CopyOptions;
  /** Whether the destination has this very image, as top: then only its signatures are brought. Absent: it has not. */
  readonly holds?: (image: RawManifest, chosenFrom: RawManifest | undefined) => Promise<boolean>;
  /** Absent where nothing is signed. */
  readonly signing?: Signing;
  /** Absent where layers are neither encrypted nor decrypted. */
  readonly crypto?: LayerCrypto;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Which part of a copy an image is. */
export interface ImagePart {
  readonly as: "top" | "instance";
  /** Which of a list's images; tells events apart. */
  readonly instance?: number;
  /** The index it was chosen from. */
  readonly chosenFrom?: RawManifest;
}
