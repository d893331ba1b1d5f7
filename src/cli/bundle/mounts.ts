/** One mount of an OCI runtime's config. */
export interface RuntimeMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

const sealed = ["nosuid", "noexec", "nodev"];

function tmpfs(destination: string, options: readonly string[]): RuntimeMount {
  return { destination, type: "tmpfs", source: "tmpfs", options };
}

const always: readonly RuntimeMount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: sealed },
  tmpfs("/dev", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
  },
  { ...tmpfs("/dev/shm", [...sealed, "mode=1777", "size=65536k"]), source: "shm" },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: sealed },
];

const sys: RuntimeMount = {
  destination: "/sys",
  type: "sysfs",
  source: "sysfs",
  options: [...sealed, "ro"],
};

/** In a user namespace without a network of its own the kernel lets nobody mount a fresh one. */
const sysOfHost: RuntimeMount = {
  destination: "/sys",
  type: "none",
  source: "/sys",
  options: ["rbind", ...sealed, "ro"],
};

/** Where programs write that expect to be able to, on a root that is read-only. */
const writable: readonly RuntimeMount[] = [
  tmpfs("/run", ["nosuid", "nodev", "mode=755", "size=65536k"]),
  tmpfs("/tmp", ["nosuid", "nodev", "mode=1777"]),
  tmpfs("/var/tmp", ["nosuid", "nodev", "mode=1777"]),
];

/**
 * What is mounted on a read-only root: the kernel's own, what may be written until the container ends, and an empty place
 * for each of the image's volumes.
 */
export function runtimeMounts(
  volumes: readonly string[],
  { rootless, hostNetwork }: { readonly rootless: boolean; readonly hostNetwork: boolean },
): readonly RuntimeMount[] {
  const kernel = [...always, rootless && hostNetwork ? sysOfHost : sys];
  const known = new Set([...kernel, ...writable].map(({ destination }) => destination));
  const wanted = volumes.filter((path) => path.startsWith("/") && !known.has(path) && path !== "/");
  const places = [...new Set(wanted)].toSorted();
  return [...kernel, ...writable, ...places.map((path) => tmpfs(path, ["nosuid", "nodev"]))];
}
