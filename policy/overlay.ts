import type { ImageReference } from "../src/core/image-reference.ts";
import type { KeySource } from "./policy.ts";
import { lookupChain } from "./scope.ts";

/** Who may have signed a bundle with a certificate; patterns fit whole texts. */
export interface BundleIdentity {
  readonly issuer: { readonly is: string } | { readonly pattern: string };
  readonly subject:
    | { readonly email: string }
    | { readonly uri: string }
    | { readonly pattern: string };
}

/** At least one bundle of cosign 3 has to be of one of these. It says nothing of the image's name. */
export interface BundleRequirement {
  readonly type: "sigstoreBundle";
  readonly signers:
    | { readonly type: "keys"; readonly keys: KeySource }
    | { readonly type: "certificates"; readonly identities: readonly BundleIdentity[] };
  /** sigstore's `trusted_root.json`. */
  readonly trustedRoot?: KeySource;
}

/**
 * What stands beside a policy.json, in a file of ours, so that policy.json stays what everybody reads: by transport and
 * scope, the bundles that are asked for. docs/decisions/0021.
 */
export interface PolicyOverlay {
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly BundleRequirement[]>>;
}

/** What the overlay asks for of an image: the first hit in the order in which policy.json is searched. */
export function bundlesWanted(
  { transports }: PolicyOverlay,
  reference: ImageReference,
): readonly BundleRequirement[] | undefined {
  const scopes = transports.get(reference.transport);
  const scope = scopes && lookupChain(reference).find((name) => scopes.has(name));
  return scope === undefined ? undefined : scopes?.get(scope);
}
