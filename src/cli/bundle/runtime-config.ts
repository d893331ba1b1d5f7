import type { IdMapping } from "../../config/subordinate-ids.ts";
import type { OciImageConfig } from "../../core/image-config.ts";
import { CliError } from "../errors.ts";
import type { ContainerUser } from "./container-user.ts";
import { runtimeMounts } from "./mounts.ts";

/** What an OCI runtime's config is made of. */
export interface RuntimeConfigInput {
  readonly image: OciImageConfig;
  readonly user: ContainerUser;
  /** A name for the host that the container sees. */
  readonly hostname: string;
  readonly hostNetwork: boolean;
  /** Whoever runs it is not root, and has these numbers to give; with one's own alone, that is root in there, and nobody else is. */
  readonly namespace:
    | { readonly users: readonly IdMapping[]; readonly groups: readonly IdMapping[] }
    | undefined;
}

/** Those that containers have by default. */
const capabilities = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_NET_BIND_SERVICE",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
];

const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/**
 * The `config.json` of a bundle that runs the image's program on a read-only root — OCI runtime-spec, config.md; OCI
 * image-spec, conversion.md.
 *
 * @throws {CliError} `cli.unreadable` where the image does not say what is to be run
 */
export function runtimeConfig(input: RuntimeConfigInput): object {
  const { image, user, hostname, hostNetwork, namespace } = input;
  const { config } = image;
  const args = [...(config?.Entrypoint ?? []), ...(config?.Cmd ?? [])];
  if (args.length === 0) {
    throw new CliError("cli.unreadable", "the image does not say which program is to be run", {
      hint: "Unpack it without --bundle",
    });
  }
  const volumes = [...(config?.Volumes?.keys() ?? [])];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: isAlone(namespace) ? { uid: 0, gid: 0 } : user,
      args,
      env: environmentOf(config?.Env ?? []),
      cwd: config?.WorkingDir || "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname,
    mounts: runtimeMounts(volumes, { rootless: namespace !== undefined, hostNetwork }),
    annotations: annotationsOf(image),
    linux: {
      namespaces: namespacesOf(input),
      maskedPaths,
      readonlyPaths,
      ...(namespace && {
        uidMappings: namespace.users.map(runtimeMapping),
        gidMappings: namespace.groups.map(runtimeMapping),
      }),
    },
  };
}

function isAlone(namespace: RuntimeConfigInput["namespace"]): boolean {
  return namespace !== undefined && namespace.users.length === 1;
}

function runtimeMapping({ inside, outside, length }: IdMapping): object {
  return { containerID: inside, hostID: outside, size: length };
}

function environmentOf(variables: readonly string[]): readonly string[] {
  if (variables.some((variable) => variable.startsWith("PATH="))) return variables;
  return ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...variables];
}

function namespacesOf({ hostNetwork, namespace }: RuntimeConfigInput): readonly object[] {
  const types = ["pid", "ipc", "uts", "mount"];
  if (!hostNetwork) types.push("network");
  if (namespace) types.push("user");
  return types.map((type) => ({ type }));
}

/** What the runtime-spec has no place for. */
function annotationsOf({ os, architecture, author, created, config }: OciImageConfig): object {
  const named = {
    "org.opencontainers.image.os": os,
    "org.opencontainers.image.architecture": architecture,
    "org.opencontainers.image.author": author,
    "org.opencontainers.image.created": created ?? "",
    "org.opencontainers.image.stopSignal": config?.StopSignal,
    "org.opencontainers.image.exposedPorts": [...(config?.ExposedPorts?.keys() ?? [])].join(","),
  };
  const set = Object.entries(named).filter(([, value]) => value !== undefined && value !== "");
  return { ...Object.fromEntries(set), ...Object.fromEntries(config?.Labels ?? []) };
}
