import { homedir, userInfo } from "node:os";
import { workingFolderIfAny } from "../core/working-folder.ts";
import type { Environment } from "./environment.ts";

/** Reads the surroundings of this process. */
export function loadEnvironment(): Environment {
  const freeBsd = process.platform === "freebsd";
  return {
    variables: process.env,
    uid: userOutside(process.env["_CONTAINERS_ROOTLESS_UID"]) ?? process.getuid?.() ?? -1,
    home: process.env["HOME"] || passwdHome(),
    cwd: workingFolderIfAny(),
    platform: process.platform,
    architecture: process.arch,
    systemDirectory: freeBsd ? "/usr/local/etc" : "/etc",
    vendorDirectory: freeBsd ? "/usr/local/share" : "/usr/share",
  };
}

/** As whoever made the user namespace around this process has put it. */
function userOutside(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** A user without an entry in passwd (containers run as any number) has no home but the root. */
function passwdHome(): string {
  try {
    return userInfo().homedir || homedir();
  } catch {
    return "/";
  }
}
