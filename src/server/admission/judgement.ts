import type { Verdict } from "../../../policy/verdict.ts";
import type { Digest } from "../../core/digest.ts";
import type { Judged, JudgedImage } from "./judge.ts";
import { clientReason, type Discretion } from "./reason.ts";
import type { SignedImage } from "./tag-memory.ts";

/** What was decided of a manifest under a name, in the form in which it is kept at hand. */
export interface Judgement {
  readonly id: string;
  readonly outcome: Judged["outcome"];
  /** For clients, where it is not admitted. */
  readonly reason: string;
  /** Known no more from then on, ms since the epoch. */
  readonly until: number;
  /** Of the policy and its keys. */
  readonly policyKey: string;
  /** Signature sets that it rests on. */
  readonly rests: readonly { readonly digest: Digest; readonly revision: number }[];
  readonly images: readonly SignedImage[];
  /** The manifest itself, or instances of it, that need no verdict. */
  readonly isAttachment: boolean;
}

/** How long decisions are known at most, in milliseconds. */
export interface Lifetimes {
  readonly decisionTtl: number;
  readonly refusalTtl: number;
}

/** Until when a decision is known: until a key or a signature ends, at most. What is undecided is not known at all. */
export function knownUntil(
  { outcome, images }: Judged,
  now: number,
  { decisionTtl, refusalTtl }: Lifetimes,
): number {
  if (outcome === "undecided") return now;
  if (outcome === "refused") return now + refusalTtl;
  const ends = images.flatMap(({ verdict }) => verdict?.validUntil?.getTime() ?? []);
  return Math.min(now + decisionTtl, ...ends);
}

/** What clients are told. */
export function reasonOf({ against, images }: Judged, discretion: Discretion): string {
  if (!against) return "";
  const isWhole = images.length === 1 && against.platform === undefined;
  const which = isWhole
    ? ""
    : ` (${[against.platform, against.digest].filter(Boolean).join(", ")})`;
  if (against.outcome === "undecided" && !discretion.showDetails) {
    const what = against.verdict ? "its signatures cannot be read" : "it cannot be judged";
    return clientReason(`${what} now${which}`, discretion);
  }
  return clientReason(`${textOf(against)}${which}`, discretion);
}

function textOf({ verdict, failure }: JudgedImage): string {
  return failure ?? verdict?.error ?? "refused";
}

/** The images of a judgement with the times of the signatures that let them in. */
export function signedImages({ images }: Judged): readonly SignedImage[] {
  return images
    .filter(({ attachment }) => !attachment)
    .map(({ digest, verdict }) => {
      const signedAt = verdict && acceptedAt(verdict);
      return { digest, ...(signedAt !== undefined && { signedAt }) };
    });
}

/** Of several requirements, the one met by the newest signature tells how new the image is. */
function acceptedAt({ steps }: Verdict): number | undefined {
  const accepted = new Set(
    steps.flatMap((step) => (step.kind === "signature" && step.ok ? [step.data.signature] : [])),
  );
  const times = steps.flatMap((step) =>
    step.kind === "crypto" &&
    step.ok &&
    (accepted.has(step.data.signature) || isBundle(step.message))
      ? (step.data.signedAt?.getTime() ?? [])
      : [],
  );
  return times.length === 0 ? undefined : Math.max(...times);
}

/** A bundle has no step that says it is accepted: its cryptography is all there is to it. */
function isBundle(message: string): boolean {
  return message.startsWith("bundle ");
}
