/** A version as Masterminds/semver v3 takes one: `1.2.3`, `v1.2`, `01.2-rc.1+build`. Parts that are not there are 0. */
export interface Version {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** `rc.1`; "" of a release. */
  readonly prerelease: string;
}

// version    = [ "v" ] number [ "." number ] [ "." number ] [ "-" word *( "." word ) ] [ "+" word *( "." word ) ]
// word       = 1*( ALNUM / "-" )            before the "+" no number that begins with 0, but 0 itself
const versionForm =
  /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*))?(?:\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?$/;

const largest = 2n ** 64n - 1n;

/** Undefined where `text` is no version. */
export function parseVersion(text: string): Version | undefined {
  const [match, ...parts] = versionForm.exec(text) ?? [];
  if (match === undefined || text.length > 256) return undefined;
  const [major = 0n, minor = 0n, patch = 0n] = parts.slice(0, 3).map((part) => BigInt(part ?? 0));
  const prerelease = parts[3] ?? "";
  const isGood =
    [major, minor, patch].every((part) => part <= largest) &&
    !prerelease.split(".").some((word) => /^0\d+$/.test(word));
  return isGood ? { major, minor, patch, prerelease } : undefined;
}

/** Less than 0 where `one` comes first; what stands behind a `+` does not count — semver.org § 11. */
export function compareVersions(one: Version, other: Version): number {
  return (
    compareNumbers(one.major, other.major) ||
    compareNumbers(one.minor, other.minor) ||
    compareNumbers(one.patch, other.patch) ||
    comparePrereleases(one.prerelease, other.prerelease)
  );
}

function compareNumbers(one: bigint, other: bigint): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** Of the same release; "", the release itself, is the last. */
export function comparePrereleases(one: string, other: string): number {
  if (one === other) return 0;
  if (one === "") return 1;
  if (other === "") return -1;
  const ones = one.split(".");
  const others = other.split(".");
  for (let at = 0; at < Math.max(ones.length, others.length); at++) {
    const order = compareWords(ones[at], others[at]);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers come before words, and where there is nothing more before both. */
function compareWords(one: string | undefined, other: string | undefined): number {
  if (one === other) return 0;
  if (one === undefined) return -1;
  if (other === undefined) return 1;
  const [left, right] = [numberOf(one), numberOf(other)];
  if (left !== undefined && right !== undefined) return compareNumbers(left, right);
  if (left !== undefined) return -1;
  if (right !== undefined) return 1;
  return one < other ? -1 : 1;
}

/** As Go reads 64 bits: what is larger is a word. */
function numberOf(word: string): bigint | undefined {
  if (!/^\d+$/.test(word)) return undefined;
  const number = BigInt(word);
  return number <= largest ? number : undefined;
}
