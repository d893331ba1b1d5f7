import type { Environment } from "../config/environment.ts";
import { loadHostPlatform } from "../config/load-host-platform.ts";
import type { TransportName } from "../core/image-reference.ts";
import type { Platform } from "../core/platform.ts";
import type { TransportEntry } from "../transport/transports.ts";
import type { AssemblyInput, LayerSettings } from "./parts.ts";
import type { EndSettings } from "./settings.ts";

/** What transports of this machine are made of. */
export interface LocalInput {
  readonly input: AssemblyInput;
  readonly environment: Environment;
  /** The platform wanted. */
  readonly platform: Platform;
  readonly end: EndSettings;
  readonly layers: LayerSettings | undefined;
  /** What the user has been told of stores and their settings. */
  readonly told: Set<string>;
  /** Keeps what is to be closed at the end of the run. */
  readonly keep: (resource: AsyncDisposable) => void;
}

/** The transports that few runs need; each is loaded when it is named. */
export function localTransports(
  local: LocalInput,
): readonly (readonly [TransportName, TransportEntry])[] {
  return [
    ["docker-archive", () => dockerArchive(local)],
    ["docker-daemon", () => dockerDaemon(local)],
    ["containers-storage", () => containersStorage(local)],
    ["oci-archive", () => ociArchive(local)],
    ["tarball", () => tarball(local)],
  ];
}

async function dockerArchive({ input, layers }: LocalInput) {
  const { createDockerArchiveTransport } = await import("../transport/docker-archive/transport.ts");
  const additionalNames = layers?.additionalNames;
  return createDockerArchiveTransport({
    ...spooling(input),
    ...(additionalNames && { additionalNames }),
  });
}

async function dockerDaemon({ input, environment, end, keep }: LocalInput) {
  const { createDockerDaemonTransport } = await import("../transport/docker-daemon/transport.ts");
  const { loadDaemonTls } = await import("../config/load-daemon-tls.ts");
  const { daemonHost, certificateDirectory, tlsVerify } = end;
  return createDockerDaemonTransport({
    ...spooling(input),
    ...(daemonHost !== undefined && { host: daemonHost }),
    tls: () =>
      loadDaemonTls(environment, {
        verify: tlsVerify ?? true,
        ...(certificateDirectory !== undefined && { directory: certificateDirectory }),
      }),
    onOpen: keep,
  });
}

async function containersStorage({ input, environment, platform, told }: LocalInput) {
  const { createStorageTransport } = await import("../transport/containers-storage/transport.ts");
  const { loadStorePlace } = await import("../config/load-store-place.ts");
  const { program, log } = input;
  const prior = (driver: string, root: string) => {
    if (program === "skopeo" && isNew(told, root))
      log.info(`[graphdriver] using prior storage driver: ${driver}`);
  };
  const warn = warnOnce(log, told);
  return createStorageTransport({
    placeOf: (request) => loadStorePlace(environment, request, { prior, warn }),
    platform,
  });
}

/** Says each thing once, however many ask for the store. */
export function warnOnce(log: Pick<AssemblyInput["log"], "warning">, told: Set<string>) {
  return (message: string): void => {
    if (isNew(told, message)) log.warning(message);
  };
}

function isNew(told: Set<string>, what: string): boolean {
  if (told.has(what)) return false;
  told.add(what);
  return true;
}

async function ociArchive({ input, layers }: LocalInput) {
  const { createOciArchiveTransport } = await import("../transport/oci-archive/transport.ts");
  const acceptUncompressedLayers = layers?.acceptUncompressed ?? false;
  return createOciArchiveTransport({
    ...spooling(input),
    acceptUncompressedLayers,
    clock: Date.now,
  });
}

async function tarball({ input, environment }: LocalInput) {
  const { createTarballTransport } = await import("../transport/tarball/transport.ts");
  const platform = () => loadHostPlatform(environment);
  return createTarballTransport({ ...spooling(input), clock: Date.now, platform });
}

/** `--tmpdir`: where the user allows things to be kept that can be read once only. */
function spooling({ settings: { temporaryDirectory } }: AssemblyInput) {
  return temporaryDirectory === undefined ? {} : { spoolFolder: temporaryDirectory };
}
