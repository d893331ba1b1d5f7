import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Digest } from "../../core/digest.ts";

type Call = { readonly signal: AbortSignal };

/** Where signatures of one repository come from besides our own store: a registry, a look-aside. */
export interface SignatureOrigin {
  /** For people: a host or a URL without secrets. */
  readonly where: string;
  /** Asked each time, since asking costs nothing: the registry of this server itself. */
  readonly local?: boolean;
  /** Never asked: what it said last counts, however long ago, and nothing if it never did. */
  readonly offline?: boolean;
  /** @throws {KnownError} where it cannot be read */
  read(manifest: Digest, call: Call): Promise<readonly UntrustedSignature[]>;
  /** Bundles of cosign 3; absent where there can be none. */
  readBundles?(manifest: Digest, call: Call): Promise<readonly Uint8Array[]>;
}
