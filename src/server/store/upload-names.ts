import { createHash, randomBytes } from "node:crypto";

// An upload's file is called
//
//     id "." repository "." user
//
// with 128 random bits, and 64 of the hashes of the two that it belongs to: whoever does not know all three finds nothing,
// and what is needed to go on after a restart is in the name and the length of one file.
const pattern = /^[0-9a-f]{32}\.[0-9a-f]{16}\.[0-9a-f]{16}$/;

/** Whose an upload is. */
export interface UploadOwner {
  /** `domain/path`. */
  readonly repository: string;
  readonly user: string | undefined;
}

/** An id that nobody guesses. */
export function newUploadId(): string {
  return randomBytes(16).toString("hex");
}

/** The name of an upload's file; undefined where the id cannot be one. */
export function uploadFileName(id: string, owner: UploadOwner): string | undefined {
  if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
  return `${id}.${shortHash(owner.repository)}.${userMark(owner.user)}`;
}

/** What the names of all uploads of a user end with. */
export function userMark(user: string | undefined): string {
  return shortHash(user === undefined ? "nobody" : `user ${user}`);
}

/** The {@link userMark} of an upload's file; undefined of any other file. */
export function userMarkIn(fileName: string): string | undefined {
  return pattern.test(fileName) ? fileName.slice(-16) : undefined;
}

/** 64 bits of a hash. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
