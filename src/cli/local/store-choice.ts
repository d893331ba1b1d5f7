import { UsageError } from "../../core/errors.ts";
import type { FlagValues } from "../flags.ts";

/** Which store of images is meant, as podman's flags say it; what is absent is as storage.conf has it. */
export interface StoreChoice {
  readonly driver?: string;
  readonly graphroot?: string;
  readonly runroot?: string;
  readonly options: readonly string[];
}

/** @throws {UsageError} `usage.bad-flag` for what a reference cannot express */
export function storeChoice(flags: FlagValues): StoreChoice {
  const given = {
    driver: flags.string("storage-driver"),
    graphroot: flags.string("root"),
    runroot: flags.string("runroot"),
  };
  for (const name of ["root", "runroot"] as const) {
    const path = flags.string(name);
    if (path === "" || (path.startsWith("/") && !/[\]:+,]/.test(path))) continue;
    throw new UsageError("usage.bad-flag", `--${name} ${path}: not a path that can be used`, {
      hint: "Name it from the root, without any of ] : + ,",
    });
  }
  const set = Object.entries(given).filter(([, value]) => value !== "");
  return { ...Object.fromEntries(set), options: flags.strings("storage-opt") };
}

/** The choice as a reference has it, `[driver@graphroot+runroot:options]`; empty where nothing was chosen. */
export function storeSpecifier({ driver, graphroot, runroot, options }: StoreChoice): string {
  if (!driver && !graphroot && !runroot && options.length === 0) return "";
  const roots = `${graphroot ?? ""}${runroot ? `+${runroot}` : ""}`;
  const listed = options.length > 0 ? `:${options.join(",")}` : "";
  return `[${driver ? `${driver}@` : ""}${roots}${listed}]`;
}
