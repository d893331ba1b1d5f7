import type { Platform } from "../core/platform.ts";

const SYSTEMS: Readonly<Record<string, string>> = { win32: "windows", sunos: "solaris" };

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  ia32: "386",
  ppc64: "ppc64le", // Node runs on no other
  mipsel: "mipsle",
};

/**
 * The platform a host runs, in Go's names, from Node's.
 *
 * @param cpuInfo the text of /proc/cpuinfo, asked for only where it says more: Linux on arm
 */
export function hostPlatform(
  host: { readonly platform: string; readonly architecture: string },
  cpuInfo: () => string,
): Platform {
  const os = SYSTEMS[host.platform] ?? host.platform;
  const architecture = ARCHITECTURES[host.architecture] ?? host.architecture;
  const variant = variantOf(os, architecture, cpuInfo);
  return { os, architecture, ...(variant !== "" && { variant }) };
}

function variantOf(os: string, architecture: string, cpuInfo: () => string): string {
  if (architecture !== "arm" && architecture !== "arm64") return "";
  if (os === "windows" || os === "darwin") return architecture === "arm64" ? "v8" : "v7";
  if (os !== "linux") return "";
  const text = cpuInfo();
  const version = member(text, "cpu architecture");
  // early Raspberry Pis say 7, but are not
  const isOldPi =
    architecture === "arm" &&
    version === "7" &&
    member(text, "model name").toLowerCase().startsWith("armv6-compatible");
  return isOldPi ? "v6" : armVariant(version.toLowerCase());
}

function armVariant(version: string): string {
  if (version === "8" || version === "aarch64") return "v8";
  if (version === "7" || version === "7m" || /^\?\(1[2-7]\)$/.test(version)) return "v7";
  const number = /^(?:([6])(?:tej)?|([5])(?:t|te|tej)?|([4])t?|([3]))$/.exec(version);
  const digit = number?.slice(1).find((each) => each !== undefined);
  return digit === undefined ? "" : `v${digit}`;
}

/** The first member of that name, whatever its case. */
function member(text: string, name: string): string {
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon !== -1 && line.slice(0, colon).trim().toLowerCase() === name)
      return line.slice(colon + 1).trim();
  }
  return "";
}
