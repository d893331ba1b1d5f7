import { readFileSync, statSync } from "node:fs";
import { CliError } from "../errors.ts";

/** Switches of the system that forbid user namespaces, what they then say, and what lets them be made. */
const switches = [
  ["user/max_user_namespaces", "0", "28633"],
  ["kernel/unprivileged_userns_clone", "0", "1"],
  ["kernel/apparmor_restrict_unprivileged_userns", "1", "0"],
] as const;

/** The error of a namespace that the kernel did not make; `said` is what unshare(1) had to say. */
export function refusedByKernel(said: string): CliError {
  const found = switches.find(([name, forbids]) => textOf(`/proc/sys/${name}`) === forbids);
  const told = said === "" ? "" : ` (${said})`;
  if (found) {
    const [name, value, allows] = found;
    const key = name.replace("/", ".");
    return failure(`the system forbids them: sysctl ${key} is ${value}${told}`, {
      hint: `Let the administrator run: sysctl -w ${key}=${allows}`,
    });
  }
  if (statSync("/proc/self/ns/user", { throwIfNoEntry: false }) === undefined)
    return failure(`the kernel has none, or /proc is not mounted${told}`);
  const filtered = /^Seccomp:\s*[12]$/m.test(textOf("/proc/self/status"));
  const guess = filtered ? "a seccomp filter is in force, as in most containers" : "";
  return failure([said || "the kernel makes none", guess].filter(Boolean).join("; "));
}

/** The error of a map that newuidmap or newgidmap, the program at `path`, did not write. */
export function refusedMap(name: string, path: string, said: string): CliError {
  const reasons = [said.replace(`${name}: `, "")];
  if (/^NoNewPrivs:\s*1$/m.test(textOf("/proc/self/status")))
    reasons.push("no_new_privs is set for this process, so that it has no rights");
  else if (!isSetId(path))
    reasons.push(`${path} is not setuid root, and works only if it has file capabilities`);
  return failure(`${name}: ${reasons.filter(Boolean).join("; ")}`);
}

/** The error of a program that is not there; `packages` is where it is found. */
export function missingTool(name: string, packages: string): CliError {
  return failure(`finding ${name}: exec: "${name}": executable file not found in $PATH`, {
    hint: `Install it: it is in the package ${packages}`,
  });
}

function failure(why: string, options: { readonly hint?: string } = {}): CliError {
  const message = `cannot make the user namespace that an ordinary user's storage needs: ${why}`;
  return new CliError("cli.no-user-namespace", message, options);
}

function isSetId(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o4000) !== 0;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
}
