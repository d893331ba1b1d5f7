import type { Platform } from "../core/platform.ts";
import type { Environment } from "./environment.ts";
import { hostPlatform } from "./host-platform.ts";
import { readIfThere } from "./load-file.ts";

/** The platform of this host: what a list's instance is chosen for, unless the user says otherwise. */
export function loadHostPlatform(environment: Environment): Platform {
  return hostPlatform(environment, () => readIfThere("/proc/cpuinfo")?.toString("utf8") ?? "");
}
