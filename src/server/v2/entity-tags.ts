import { type Digest, isDigest } from "../../core/digest.ts";

/** Whether If-None-Match names this digest, or anything at all (`*`): then 304. RFC 9110 § 13.1.2: compared weakly. */
export function namesDigest(header: string | undefined, digest: Digest): boolean {
  if (header === undefined) return false;
  return listed(header).some((tag) => tag === "*" || tag === digest);
}

/**
 * What a PUT may take the place of, from If-Match and If-None-Match.
 *
 * @returns `"bad"` where that cannot be said with one digest
 */
export function insteadOf(
  ifMatch: string | undefined,
  ifNoneMatch: string | undefined,
): Digest | "nothing" | "bad" | undefined {
  if (ifMatch !== undefined && ifNoneMatch !== undefined) return "bad";
  if (ifNoneMatch !== undefined) return ifNoneMatch.trim() === "*" ? "nothing" : "bad";
  if (ifMatch === undefined) return undefined;
  const [tag = "", ...others] = listed(ifMatch);
  return others.length === 0 && isDigest(tag) ? tag : "bad";
}

/** The tags of a list, without quotes and `W/`: distribution's clients send them bare. */
function listed(header: string): string[] {
  return header.split(",").map((tag) =>
    tag
      .trim()
      .replace(/^W\//, "")
      .replace(/^"(.*)"$/, "$1"),
  );
}
