import { KnownError } from "../core/errors.ts";

/** What goes wrong with keys, and with what they open. */
export type EncryptionErrorCode =
  /** A key file that is not there, or is no such key. */
  | "encryption.bad-key"
  /** None of the keys given opens a layer. */
  | "encryption.no-key"
  /** Encrypted bytes, or what is said about them, are not as whoever encrypted them left them. */
  | "encryption.bad-layer"
  /** A way to encrypt, or a type of layer, that is not known here. */
  | "encryption.unsupported";

/** A layer can be neither encrypted nor decrypted as asked. */
export class EncryptionError extends KnownError<EncryptionErrorCode> {}
