/** Transports there are in skopeo. */
const transportNames: ReadonlySet<string> = new Set([
  "atomic",
  "containers-storage",
  "dir",
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
  "ostree",
  "sif",
  "tarball",
]);

/** The transport that a name begins with; undefined where it is the name of an image: `busybox:1`. */
export function transportIn(name: string): string | undefined {
  const colon = name.indexOf(":");
  const first = name.slice(0, Math.max(0, colon));
  return transportNames.has(first) ? first : undefined;
}
