import { UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { explicitPath } from "../../layout/explicit-path.ts";
import { parseOciLocation, settleOciLocation } from "../../layout/location.ts";
import { inheritedNumber } from "../../layout/pipe.ts";

/**
 * `path[:name]` or, to be read, `path:@position`: an archive, and which of the entries in its index.json.
 *
 * @throws {UsageError} `usage.bad-reference`, for an unknown folder as for a bad name
 */
export async function resolveArchiveLocation(
  text: string,
  as: "source" | "destination",
): Promise<ImageReference> {
  const location = parseOciLocation(text);
  const place = location.position ?? location.digest;
  if (place !== undefined && as === "destination") {
    throw new UsageError("usage.bad-reference", `Invalid image @${place}`);
  }
  return settleOciLocation("oci-archive", location, await settledPath(location.path));
}

/** A pipe that this process was given has no path but the one that says so. */
async function settledPath(path: string): Promise<string> {
  try {
    return await explicitPath(path);
  } catch (error) {
    if (!(error instanceof UsageError) || inheritedNumber(path) === undefined) throw error;
    return path;
  }
}
