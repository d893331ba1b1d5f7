import { createHash } from "node:crypto";
import { formatEnvelope } from "../../../sigstore/envelope.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { maxServedBytes, mostServed } from "./limits.ts";

/** A signature that may be given out, and what tells it from others. */
export interface ServedSignature {
  readonly signature: UntrustedSignature;
  /** As a look-aside stores it. */
  readonly bytes: Uint8Array;
  /** SHA-256 of {@link bytes}, hex. */
  readonly hash: string;
  /** Undefined: kept here; otherwise where it comes from. */
  readonly where: string | undefined;
}

/** With what others are told apart by. */
export function servedSignature(
  signature: UntrustedSignature,
  where: string | undefined,
): ServedSignature {
  const bytes = formatEnvelope(signature);
  return { signature, bytes, hash: hashOf(bytes), where };
}

/** SHA-256 in hex. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** `first` as it is, then what others have besides, as far as clients take it. */
export function unionOf<T extends ServedSignature>(
  first: readonly T[],
  others: readonly ServedSignature[],
): { readonly all: readonly (T | ServedSignature)[]; readonly left: number } {
  const known = new Set(first.map(({ hash }) => hash));
  const more = others.filter(({ hash }) => !known.has(hash) && known.add(hash));
  return withinLimits([...first, ...more]);
}

/** As many as clients take, in order; one that is too large for what is left is passed over. */
export function withinLimits<T extends ServedSignature>(
  all: readonly T[],
): { readonly all: readonly T[]; readonly left: number } {
  const taken: T[] = [];
  let bytes = 0;
  for (const one of all) {
    if (taken.length === mostServed) break;
    if (bytes + one.bytes.byteLength > maxServedBytes) continue;
    bytes += one.bytes.byteLength;
    taken.push(one);
  }
  return { all: taken, left: all.length - taken.length };
}
