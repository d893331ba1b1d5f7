import type { ByteString } from "../../stream/tar/byte-string.ts";

/** An entry's name, made a path from the layer's root. */
export interface EntryPath {
  /** Without slashes around it, `.` and `..` taken away: "" is the root. */
  readonly path: ByteString;
  /** It has a `..`: who does not take it away finds another file, or none, where a link or nothing is before it. */
  readonly upwards: boolean;
  /** Go's cleaned form would be "." */
  readonly dot: boolean;
}

/** Cleans a name lexically, and takes it from the root whatever it says. */
export function cleanPath(name: ByteString): EntryPath {
  if (isClean(name)) return { path: name, upwards: false, dot: false };
  const parts: ByteString[] = [];
  let [upwards, escapes] = [false, false];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else {
      upwards = true;
      if (parts.pop() === undefined) escapes = true;
    }
  }
  const path = parts.join("/");
  return { path, upwards, dot: path === "" && !escapes && !name.startsWith("/") };
}

function isClean(name: ByteString): boolean {
  const [first, last] = [name.charCodeAt(0), name.charCodeAt(name.length - 1)];
  if (name === "" || first === 0x2f || first === 0x2e || last === 0x2f) return false;
  return !name.includes("//") && !name.includes("/.");
}

/** The folder that a path lies in; that of the root's own entries is "". */
export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The last part of a path. */
export function baseOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf("/") + 1);
}
