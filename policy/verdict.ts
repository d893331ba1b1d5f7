import type { SignatureDescription } from "../sigstore/verifiers.ts";
import type { PolicyRequirement, SignedIdentity } from "./policy.ts";

/** What a step says in `data`, by its kind: enough to explain it without the policy, the image or the signature. */
export interface StepData {
  /** Which entry of the policy decides. */
  readonly scope: {
    readonly entry: "scope" | "transport-default" | "policy-default";
    readonly scope: string;
    /** Every key looked for in the transport's section, in order; empty where the policy has no such section. */
    readonly tried: readonly string[];
  };
  /** One requirement of it. */
  readonly requirement: {
    /** From 0. */
    readonly index: number;
    readonly type: PolicyRequirement["type"] | "sigstoreBundle";
    readonly signedIdentity?: SignedIdentity;
    /** Files by path, inline keys by their number. */
    readonly keys?: readonly string[];
  };
  /** How many signatures the image has; they are read once for all requirements. */
  readonly fetch: {
    readonly simpleSigning: number;
    readonly sigstore: number;
    /** Where bundles were read instead. */
    readonly bundles?: number;
  };
  /** A signature, and what it says of itself before anybody has verified it: not to be believed. */
  readonly signature: AboutSignature & { readonly untrusted: SignatureDescription };
  /** Whether a trusted key made it. */
  readonly crypto: AboutSignature & {
    readonly signedBy?: string;
    readonly signedAt?: Date;
    readonly validUntil?: Date;
  };
  /** Whether what was signed is a claim about an image. */
  readonly payload: AboutSignature;
  /** Whether it is about this manifest. */
  readonly digest: AboutSignature & { readonly claimed: string; readonly actual: string };
  /** Whether it is about this name. */
  readonly identity: AboutSignature & {
    readonly claimed?: string;
    /** The image's own name; absent where its transport has none. */
    readonly intended?: string;
    readonly match: SignedIdentity;
  };
}

interface AboutSignature {
  /** From 0, in the order in which the image's signatures were read. */
  readonly signature: number;
}

/** What a step looks at. */
export type StepKind = keyof StepData;

/** What came out of a step: stable, for programs. Failed steps of a signature carry the `SignatureError`'s own code. */
export type StepCode =
  | "scope.chosen"
  | "requirement.accept-anything"
  | "requirement.reject"
  | "requirement.signed"
  | "requirement.not-signed"
  | "requirement.none-accepted"
  | "requirement.not-implemented"
  | "requirement.unsigned"
  | "fetch.done"
  | "fetch.failed"
  | "signature.accepted"
  | "signature.rejected"
  | "crypto.verified"
  | "payload.parsed"
  | "digest.matches"
  | "digest.differs"
  | "identity.matches"
  | "identity.differs"
  | `signature.${string}`;

/** One thing looked at on the way to a verdict, kept so that it can be explained afterwards. */
export type Step<K extends StepKind = StepKind> = {
  readonly [Kind in K]: {
    readonly kind: Kind;
    readonly ok: boolean;
    readonly code: StepCode;
    /** Of a failed step, the reference's text. */
    readonly message: string;
    readonly data: StepData[Kind];
  };
}[K];

/** Where a policy was read from. */
export interface PolicyFileInfo {
  readonly path: string;
  /** Of the file's bytes, so that it can be told later which policy decided. */
  readonly sha256?: string;
}

/** What the policy says of one image, and why. Plain data: it can be kept, sent and explained elsewhere. */
export interface Verdict {
  readonly allowed: boolean;
  /** Of a refusal, the reference's text without any prefix, and the code of the step that decided. */
  readonly error?: string;
  readonly code?: StepCode;
  /** Absent where the policy came from no file. */
  readonly policy?: PolicyFileInfo;
  /** `transport:identity`: the image as the policy knows it. */
  readonly image: string;
  readonly manifestDigest: string;
  /** The policy key that decided, "" for a default. */
  readonly scope: string;
  /** A scope step; then each requirement looked at, followed by the signatures looked at for it, each with its own steps. */
  readonly steps: readonly Step[];
  /** Of an image that was allowed: when this has to be judged anew, since a key or a signature ends. */
  readonly validUntil?: Date;
}
