import { CopyError } from "../../core/errors.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { Companions } from "../mirror.ts";
import type { OwnerImage } from "./parts.ts";

/** Whether a rule wants any companions. */
export function wantsCompanions({ referrers, digestTags }: Companions): boolean {
  return digestTags || (referrers !== "none" && referrers.length > 0);
}

/**
 * To be asked before anything of the image is copied.
 *
 * @throws {CopyError} `copy.unsupported` where companions are wanted and may be there, and the destination has no room for
 * them, unless the rule says to tell of them only
 */
export function checkRoom({ from, to }: Pick<OwnerImage, "from" | "to">, wanted: Companions): void {
  if (!wantsCompanions(wanted) || wanted.homeless === "tell") return;
  if (!from.transport.companions || to.transport.companions) return;
  throw new CopyError(
    "copy.unsupported",
    `Can not copy what refers to ${formatImageReference(from.reference)} to ${formatImageReference(to.reference)}: ${to.transport.name}: has no room for it beside the image`,
    { hint: "Mirror to docker: or oci:, or leave referrers and digest tags out of this rule" },
  );
}
