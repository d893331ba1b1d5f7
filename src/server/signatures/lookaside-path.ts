import { type Digest, isDigest } from "../../core/digest.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { mostServed } from "./limits.ts";

/** What a path below a look-aside's base asks for. */
export interface LookasidePath {
  /** `domain/path` or `path`; not yet known to be a name. */
  readonly name: string;
  readonly manifest: Digest;
  /** From 1. */
  readonly number: number;
}

// path      = name "@" algorithm "=" hex "/signature-" number      repeated slashes count once
// algorithm = sha256 / sha384 / sha512                              hex: lower case, of its length
// number    = 1*3DIGIT without a leading zero
//
// `specs/signing.md` 3.2. Clients need not escape anything of it, and may escape "@", "=" and ":".
const longest = 1024;

/**
 * Undefined for what can be no signature's path.
 *
 * @throws {RegistryAnswerError} 400 for escapes that only serve to get elsewhere
 */
export function parseLookasidePath(raw: string): LookasidePath | undefined {
  if (raw.length > longest) return undefined;
  const text = unescaped(raw)
    .replaceAll(/\/{2,}/g, "/")
    .replace(/^\//, "");
  const at = text.lastIndexOf("@");
  const parts = /^([a-z0-9]+)=([0-9a-f]+)\/signature-([1-9][0-9]{0,2})$/.exec(text.slice(at + 1));
  if (at < 1 || !parts) return undefined;
  const [, algorithm, hex, number] = parts;
  const manifest = `${algorithm}:${hex}`;
  if (Number(number) > mostServed) return undefined;
  return isDigest(manifest)
    ? { name: text.slice(0, at), manifest, number: Number(number) }
    : undefined;
}

function unescaped(raw: string): string {
  if (!raw.includes("%")) return raw;
  const text = decoded(raw);
  if (
    text === undefined ||
    /%(?:2f|5c|25|[01][0-9a-f]|7f)/i.test(raw) ||
    /(^|\/)\.\.?(\/|$)/.test(text)
  ) {
    throw new RegistryAnswerError("NAME_INVALID", "invalid path", { status: 400 });
  }
  return text;
}

function decoded(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}
