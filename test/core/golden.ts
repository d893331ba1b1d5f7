import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ContentError, CopyError } from "../../src/core/errors.ts";

/** What a row expects: text, the sha256 of it, the document that went in, or an error's text. */
export type Expected =
  | string
  | "unchanged"
  | { readonly sha256: string }
  | { readonly error: string };

/** Rows of a file in test/fixtures/core; its README tells their shape. */
export function loadGolden<T>(file: string): T {
  const path = new URL(`../fixtures/core/${file}`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

/** The document without its signatures, which are different every time. */
export function withoutSignatures(text: string): string {
  return text.replace(/,"signatures":\[.*\]\}$/s, "}");
}

/** The result of `convert` in the form of `expected`, so that the two can be compared. */
export function outcome(expected: Expected, given: string, convert: () => string): Expected {
  try {
    const text = withoutSignatures(convert());
    if (typeof expected === "object" && "sha256" in expected) return { sha256: sha256(text) };
    return expected === "unchanged" && text === given ? "unchanged" : text;
  } catch (error) {
    if (error instanceof ContentError || error instanceof CopyError) {
      return { error: error.message };
    }
    throw error;
  }
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
