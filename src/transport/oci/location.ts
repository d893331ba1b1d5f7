import type { ImageReference } from "../../core/image-reference.ts";
import { explicitPath } from "../../layout/explicit-path.ts";
import { parseOciLocation, settleOciLocation } from "../../layout/location.ts";

/** @throws {UsageError} `usage.bad-reference`, for an unknown folder as for a bad name */
export async function resolveOciLocation(text: string): Promise<ImageReference> {
  const location = parseOciLocation(text);
  return settleOciLocation("oci", location, await explicitPath(location.path));
}
