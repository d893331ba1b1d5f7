import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { isProgram } from "../../config/load-programs.ts";
import { parseImageConfig } from "../../core/image-config.ts";
import type { UnpackedImage } from "../../transport/root-folder/destination.ts";
import type { OwnersKept } from "../rootless/owners.ts";
import { containerUser } from "./container-user.ts";
import { runtimeConfig } from "./runtime-config.ts";
import { unitFile } from "./unit-file.ts";

/** A bundle to be made of what was unpacked. */
export interface BundleInput {
  /** Where it is written; there, the root filesystem is in `rootfs`. */
  readonly folder: string;
  /** Where it will be, absolute. */
  readonly target: string;
  /** The image, for people. */
  readonly image: string;
  readonly hostNetwork: boolean;
  /** Whose its files are, and who may run it. */
  readonly kept: OwnersKept;
  /** Of a systemd unit that is wanted too. */
  readonly unit: string | undefined;
}

/** Writes config.json, and the unit beside it. @throws {CliError} `cli.unreadable` where the image says too little */
export async function writeBundle(bundle: BundleInput, { config }: UnpackedImage): Promise<void> {
  const { folder, target, unit, hostNetwork, kept } = bundle;
  const image = parseImageConfig(config);
  const runtime = runtimeConfig({
    image,
    user: containerUser(image.config?.User ?? "", join(folder, "rootfs")),
    hostname: (unit ?? basename(target)).replaceAll(/[^A-Za-z0-9-]/g, "-").slice(0, 63) || "app",
    hostNetwork,
    namespace: kept.owners === "kept" ? undefined : kept,
  });
  await writeFile(join(folder, "config.json"), `${JSON.stringify(runtime, undefined, "\t")}\n`);
  if (unit === undefined) return;
  const stopSignal = image.config?.StopSignal;
  const text = unitFile({
    ...bundle,
    name: unit,
    bundle: target,
    runtime: findRuntime(),
    stopSignal,
  });
  await writeFile(join(folder, `${unit}.service`), text);
}

/** The runtime that is here; the usual one where there is none yet. */
function findRuntime(): string {
  const folders = ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin"];
  const paths = ["runc", "crun"].flatMap((name) => folders.map((folder) => `${folder}/${name}`));
  return paths.find(isProgram) ?? "/usr/bin/runc";
}
