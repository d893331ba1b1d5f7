import type { Digest } from "../core/digest.ts";
import { ContentError } from "../core/errors.ts";
import { parseImageConfig } from "../core/image-config.ts";

/**
 * Checks what layers unpacked to, base first, against a config that came after them.
 *
 * @throws {ContentError} `content.digest-mismatch`, `content.bad-config`
 */
export function checkDiffIds(config: Uint8Array, unpacked: readonly Digest[]): void {
  const diffIds: readonly string[] = parseImageConfig(config).rootfs.diff_ids ?? [];
  for (const [position, actual] of unpacked.entries()) {
    const expected = diffIds[position];
    if (expected === actual) continue;
    throw new ContentError(
      "content.digest-mismatch",
      `a layer unpacks to ${actual}, and the image's config says ${expected ?? "nothing of it"}`,
      { actual },
    );
  }
}
