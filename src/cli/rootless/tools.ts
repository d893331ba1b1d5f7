import { delimiter, join } from "node:path";
import { isProgram } from "../../config/load-programs.ts";
import { missingTool } from "./why-not.ts";

/** Programs that make a user namespace, and the packages that have them. */
const packages = {
  unshare: "util-linux",
  nsenter: "util-linux",
  newuidmap: "uidmap (Debian, Ubuntu), shadow-utils (Fedora) or shadow-uidmap (Alpine)",
  newgidmap: "uidmap (Debian, Ubuntu), shadow-utils (Fedora) or shadow-uidmap (Alpine)",
} as const;

/** The path of one of them. @throws {CliError} `cli.no-user-namespace` where it is not there */
export function findTool(name: keyof typeof packages): string {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...usual].filter(Boolean);
  const path = folders.map((folder) => join(folder, name)).find(isProgram);
  if (path !== undefined) return path;
  throw missingTool(name, packages[name]);
}

/** The paths of users do not always have the places of the administrator's programs. */
const usual = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
