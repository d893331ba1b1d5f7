import { SignatureError } from "../errors.ts";
import type { SignedSubject } from "../signature.ts";
import type { SignatureStore } from "../store.ts";
import { FolderStore } from "./folder-store.ts";
import { HttpStore } from "./http-store.ts";
import { parseLookasideBase, signatureName, subjectPath, withoutPassword } from "./layout.ts";
import type { HttpLookasideOptions } from "./lookaside-client.ts";

/** Signatures as registries.d points to them: they can also all be removed, with their image. */
export interface Lookaside extends SignatureStore {
  removeAll(subject: SignedSubject, options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Fails as {@link append} would, where that is known without writing.
   *
   * @throws {SignatureError} `signature.store-failed`
   */
  checkWritable(subject: SignedSubject): Promise<void>;
}

/**
 * The store at a URL of registries.d: `file:`, `http:` or `https:`. Of another scheme it fails when it is used.
 *
 * @param writable the URL was named for writing: over http that makes the difference
 * @throws {SignatureError} `signature.store-failed` where it is no URL
 */
export function openLookaside(
  url: string,
  options: HttpLookasideOptions,
  writable: boolean,
): Lookaside {
  const base = parseLookasideBase(url);
  if (base.type === "folder") return new FolderStore(base.path);
  if (base.type === "http") return new HttpStore(base.url, options, writable);
  return unsupported(base.text);
}

function unsupported(text: string): Lookaside {
  const error = (doing: string, subject: SignedSubject) =>
    new SignatureError(
      "signature.store-failed",
      `Unsupported scheme when ${doing} ${withoutPassword(text)}/${subjectPath(subject)}/${signatureName(1)}`,
    );
  const refuse = (doing: string) => async (subject: SignedSubject) => {
    throw error(doing, subject);
  };
  return {
    read: refuse("reading signature from"),
    append: refuse("writing signature to"),
    remove: refuse("deleting signature from"),
    removeAll: refuse("deleting signature from"),
    checkWritable: refuse("writing signature to"),
  };
}
