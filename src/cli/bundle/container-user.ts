import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { openInRoot } from "../../libc/at.ts";
import { CliError } from "../errors.ts";

/** Who a container's process is, by number. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** The largest /etc/passwd that is looked into, bytes. */
const maxBytes = 1024 * 1024;

/**
 * Who is meant by the `User` of an image's config: `user[:group]`, by names or numbers, names as the root filesystem's own
 * files have them — OCI image-spec, conversion.md. Nothing means root.
 *
 * @throws {CliError} `cli.unreadable` for a name that is not there
 */
export function containerUser(text: string, rootfs: string): ContainerUser {
  const [user = "", group = ""] = splitOnce(text);
  const accounts = readRows(rootfs, "etc/passwd");
  const account = accounts.find(([name, , uid]) => (isNumber(user) ? uid === user : name === user));
  const uid = isNumber(user) ? Number(user) : numberOf(account?.[2], user, "user");
  const groups = readRows(rootfs, "etc/group");
  if (group !== "") {
    const found = groups.find(([name]) => name === group);
    const gid = isNumber(group) ? Number(group) : numberOf(found?.[2], group, "group");
    return { uid, gid, additionalGids: [] };
  }
  const own = account?.[3];
  const name = account?.[0];
  const memberOf = groups.filter(([, , , members = ""]) =>
    members.split(",").includes(name ?? " "),
  );
  const additionalGids = memberOf.flatMap(([, , gid = ""]) => (isNumber(gid) ? [Number(gid)] : []));
  return { uid, gid: own !== undefined && isNumber(own) ? Number(own) : 0, additionalGids };
}

function splitOnce(text: string): readonly string[] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text || "0"] : [text.slice(0, colon) || "0", text.slice(colon + 1)];
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1;
}

function numberOf(found: string | undefined, name: string, what: string): number {
  if (found !== undefined && isNumber(found)) return Number(found);
  throw new CliError("cli.unreadable", `the image has no ${what} ${JSON.stringify(name)}`, {
    hint: "Its config names one that its own files do not know",
  });
}

/** The rows of a file of the root filesystem, split at colons; none where there is no such file. No link leads out of it. */
function readRows(rootfs: string, path: string): readonly (readonly string[])[] {
  const text = readInRoot(rootfs, path);
  return text.split("\n").map((line) => line.trimEnd().split(":"));
}

function readInRoot(rootfs: string, path: string): string {
  const root = openSync(rootfs, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const fd = openInRoot(root, path, { flags });
    if (fd < 0) return "";
    try {
      return fstatSync(fd).isFile() ? readText(fd) : "";
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(root);
  }
}

function readText(fd: number): string {
  const buffer = Buffer.alloc(Math.min(maxBytes, fstatSync(fd).size));
  const length = readSync(fd, buffer, 0, buffer.byteLength, 0);
  return buffer.toString("utf8", 0, length);
}
