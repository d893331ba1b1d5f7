import type { SignedSubject, UntrustedSignature } from "./signature.ts";

/** Signatures kept beside the images: a folder, an HTTP look-aside; `transport/docker` adds the registry itself. */
export interface SignatureStore {
  /** Something will be read soon, it is not known what: connections may be opened. Never throws. */
  expect?(): void;
  /** Whether a repository may have signatures here; absent where that takes more than a look. */
  readonly mayHold?: (repository: string) => Promise<boolean>;
  /** In the order they were written. Empty where there are none; a store out of reach throws. */
  read(
    subject: SignedSubject,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly UntrustedSignature[]>;
  /** Adds those that are not there yet, byte for byte, and never overwrites. */
  append(
    subject: SignedSubject,
    signatures: readonly UntrustedSignature[],
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
  /** Removes one, from 0, and closes the gap. */
  remove(
    subject: SignedSubject,
    index: number,
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
}
