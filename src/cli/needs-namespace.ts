import type { Invocation } from "./find-command.ts";

/** Commands that always have to do with layers in the local store. */
const local: ReadonlySet<string> = new Set(["load", "pull", "push", "rmi", "save"]);
/** Those that have so where one of their images is there. */
const perhaps: ReadonlySet<string> = new Set(["copy", "delete", "layers", "unpack"]);

/**
 * Whether a user has to be root in a namespace of his own for this: layers have files of many owners. Inside podman's own
 * namespace he is already.
 */
export function needsUserNamespace({ path, args }: Invocation): boolean {
  const uid = process.getuid?.() ?? 0;
  if (uid === 0 || process.platform !== "linux") return false;
  if (process.env["_CONTAINERS_USERNS_CONFIGURED"]) return false;
  const name = path[0]?.name ?? "";
  return (
    local.has(name) ||
    (perhaps.has(name) && args.some((arg) => arg.startsWith("containers-storage:")))
  );
}
