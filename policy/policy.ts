/** containers-policy.json(5) § `signedIdentity`. */
export type SignedIdentity =
  | { readonly type: "matchExact" | "matchRepoDigestOrExact" | "matchRepository" }
  | { readonly type: "exactReference"; readonly dockerReference: string }
  | { readonly type: "exactRepository"; readonly dockerRepository: string }
  | { readonly type: "remapIdentity"; readonly prefix: string; readonly signedPrefix: string };

/** Where keys or certificates come from: exactly one of these. Files are opened when an image is judged, not before. */
export type KeySource =
  | { readonly paths: readonly string[] }
  | { readonly data: readonly Uint8Array[] };

/** Whom a `sigstoreSigned` requirement trusts to sign. */
export type SigstoreIdentity =
  | { readonly type: "keys"; readonly keys: KeySource }
  | {
      readonly type: "fulcio";
      readonly ca: KeySource;
      readonly oidcIssuer: string;
      readonly subjectEmail: string;
    }
  | {
      readonly type: "pki";
      readonly caRoots: KeySource;
      readonly caIntermediates?: KeySource;
      readonly subjectEmail?: string;
      readonly subjectHostname?: string;
    };

/**
 * containers-policy.json(5) § POLICY REQUIREMENTS; every requirement of a list must hold. Parsed by hand in `parse.ts`
 * over `core/strict-json.ts`, with the texts of `specs/signing.md` 1.2: a schema library neither sees duplicate members
 * nor gives those texts.
 */
export type PolicyRequirement =
  | { readonly type: "insecureAcceptAnything" }
  | { readonly type: "reject" }
  | { readonly type: "signedBaseLayer"; readonly baseLayerIdentity: SignedIdentity }
  | {
      readonly type: "signedBy";
      readonly keyType: string;
      readonly keys: KeySource;
      readonly signedIdentity: SignedIdentity;
    }
  | {
      readonly type: "sigstoreSigned";
      readonly identity: SigstoreIdentity;
      readonly rekorKeys?: KeySource;
      readonly signedIdentity: SignedIdentity;
    };

/** What must hold for an image: every one of these, and there is at least one. */
export type PolicyRequirements = readonly [PolicyRequirement, ...PolicyRequirement[]];

/** containers-policy.json(5): the default, and by transport name the scopes that override it. */
export interface Policy {
  readonly default: PolicyRequirements;
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, PolicyRequirements>>;
}

/** The policy of `--insecure-policy`. */
export const acceptAnything: Policy = {
  default: [{ type: "insecureAcceptAnything" }],
  transports: new Map(),
};
