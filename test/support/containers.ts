import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { requirePeer, skipWithout } from "./peers.ts";
import { skipUnprivileged } from "./podman.ts";

/** Where a machine has cgroups of both versions, crun refuses to work: in a mount namespace of their own, these see the second alone. */
const script = `[ -e /sys/fs/cgroup/cgroup.controllers ] ||
  { umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup; } || exit 125
[ -z "$0" ] || { mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"; } || exit 125
exec "$@"`;

/**
 * The words that run others where containers can be run. Needs root.
 *
 * @param readOnly a folder that cannot be written to there
 */
export function whereContainersRun(
  words: readonly string[],
  readOnly = "",
): readonly [string, ...string[]] {
  return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, readOnly, ...words];
}

/**
 * What `podman run` is told, and nothing else of a container is asked of the machine: no network, no cgroup of its own, limits that nobody
 * needs rights for.
 */
export const runOptions = [
  ...["--rm", "--network=none", "--cgroups=disabled"],
  ...["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"],
] as const;

/** Why no container can be run here; false where one can. */
export function skipContainers(): string | false {
  const skip = skipUnprivileged() || skipWithout("podman", "crun", "busybox");
  if (skip) return skip;
  const [program, ...args] = whereContainersRun(["true"]);
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) return `no cgroups can be mounted here: ${stderr.trim()}`;
  const isStatic = !readFileSync(requirePeer("busybox")).includes("/ld-linux");
  return isStatic ? false : "busybox needs libraries here: busybox-static does not";
}
