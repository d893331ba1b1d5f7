import { algorithmOf, type Digest, hexOf } from "../../src/core/digest.ts";
import { goQuote } from "../../src/core/go-quote.ts";
import { SignatureError } from "../errors.ts";
import type { SignedSubject } from "../signature.ts";

// <base>/<path of the repository, without its host>@<algorithm>=<hex>/signature-<N>      N = 1, 2, 3 …
//
// The base is a URL: the path is added to its path, its query stays behind it — `specs/signing.md` 3.2.

/** The most signatures an image may have: every client gives up on one more. */
export const mostSignatures = 127;
/** Bytes of one signature. */
export const maxSignatureBytes = 4 * 1024 * 1024;

/** Where a look-aside begins, read from its URL. */
export type LookasideBase =
  | { readonly type: "folder"; readonly path: string }
  | { readonly type: "http"; readonly url: URL }
  | { readonly type: "unsupported"; readonly text: string };

/** @throws {SignatureError} `signature.store-failed` where it is not even a URL */
export function parseLookasideBase(text: string): LookasideBase {
  // A block scalar of YAML ends with a line feed, which `URL` leaves out and a folder would have in its name.
  if (/[\x00-\x1f\x7f]/.test(text))
    throw invalid(text, "net/url: invalid control character in URL");
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined && /^[^/?#]*:/.test(text)) {
    throw invalid(text, "first path segment in URL cannot contain colon");
  }
  if (scheme !== "file" && scheme !== "http" && scheme !== "https") {
    return { type: "unsupported", text };
  }
  const bad = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(text.split(/[?#]/, 1)[0] ?? "");
  if (bad) throw invalid(text, `invalid URL escape ${JSON.stringify(bad[0])}`);
  if (scheme === "file") return { type: "folder", path: folderPath(text) };
  // `URL` takes the first name it finds for the host, however many slashes are before it: none, or three.
  if (!/^[^/?#]*:\/\/[^/?#\\]/.test(text)) throw invalid(text, "no Host in request URL");
  try {
    return { type: "http", url: new URL(text) };
  } catch {
    throw invalid(text, "invalid URL");
  }
}

/** What follows `file:` and a host, which counts for nothing; `/` where nothing does. */
function folderPath(text: string): string {
  const [rest = ""] = text.slice("file:".length).split(/[?#]/, 1);
  const path = rest.replace(/^\/\/[^/]*/, "") || "/";
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // escapes that are no UTF-8: the name of such a folder cannot be spelled here
  }
}

function invalid(typed: string, why: string): SignatureError {
  const text = withoutPassword(typed);
  return new SignatureError(
    "signature.store-failed",
    `Invalid signature storage URL ${text}: parse ${goQuote(text)}: ${why}`,
  );
}

/**
 * `<path>@<algorithm>=<hex>`, below a base.
 *
 * @throws {SignatureError} `signature.store-failed` for a repository that could lead elsewhere
 */
export function subjectPath({ repository, manifestDigest }: SignedSubject): string {
  return `${repositoryPath(repository)}@${digestName(manifestDigest)}`;
}

/** What the path of everything that belongs to a repository begins with, before the `@`. @throws as {@link subjectPath} */
export function repositoryPath(repository: string): string {
  const path = repository.slice(repository.indexOf("/") + 1);
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new SignatureError(
      "signature.store-failed",
      `Unexpected path elements in Docker reference ${repository} for signature storage`,
    );
  }
  return path;
}

function digestName(digest: Digest): string {
  return `${algorithmOf(digest)}=${hexOf(digest)}`;
}

/** `number` counts from 1. */
export function signatureName(number: number): string {
  return `signature-${number}`;
}

/** The URL of one signature; `number` counts from 1. */
export function signatureUrl(base: URL, subject: SignedSubject, number: number): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname === "/" ? "" : base.pathname}/${subjectPath(subject)}/${signatureName(number)}`;
  return url;
}

/** The URL for messages: a password in it is hidden. */
export function redactedText(url: URL): string {
  if (url.password === "") return url.href;
  const shown = new URL(url);
  shown.password = "xxxxx";
  return shown.href;
}

/** {@link redactedText} of what may be no URL: the last `@` before a path ends the password, as for every URL parser. */
export function withoutPassword(text: string): string {
  return text.replace(/(\/\/[^/?#:]*):[^/?#]*@/, "$1:xxxxx@");
}

/** What a client that reads on says of more than {@link mostSignatures}. */
export function tooMany(): SignatureError {
  return new SignatureError(
    "signature.store-limit",
    `server provided ${mostSignatures + 1} signatures, assuming that's unreasonable and a server error`,
  );
}

/** One more than every client would read. */
export function noRoom(where: string): SignatureError {
  return new SignatureError(
    "signature.store-limit",
    `Cannot store a signature in ${where}: ${mostSignatures} are there, and nobody reads more`,
    { hint: "Remove signatures that are no longer needed" },
  );
}
