import { createHash, randomBytes } from "node:crypto";
import { type Digest, hexOf } from "../core/digest.ts";

/**
 * The ID of an image's layer: of the first, its DiffID; of any other, a hash over its parent's ID and its own DiffID. Not the
 * OCI ChainID.
 */
export function layerId(parent: string | undefined, diffId: Digest): string {
  return parent === undefined ? hexOf(diffId) : sha256(`${parent}+${hexOf(diffId)}`);
}

/** The ID of a layer of which only the table of contents was verified (zstd:chunked). */
export function tocLayerId(parent: string | undefined, toc: Digest): string {
  return sha256(`${parent ?? ""}+@TOC=${hexOf(toc)}`);
}

/** The ID of an image: its config's digest. */
export function imageId(config: Digest): string {
  return hexOf(config);
}

/** The ID of an image with layers that are known by their tables of contents only; of the other layers `undefined`. */
export function tocImageId(config: Digest, tocs: readonly (Digest | undefined)[]): string {
  return sha256(`@With TOC:${hexOf(config)}|${tocs.map((toc) => `${toc ?? ""}|`).join("")}`);
}

/** An ID for what has no content to be named after. One whose short form is a number would be taken for that. */
export function randomId(): string {
  for (;;) {
    const id = randomBytes(32).toString("hex");
    if (!/^\d{12}/.test(id)) return id;
  }
}

/** True for a whole ID: 64 lower-case hex characters. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
