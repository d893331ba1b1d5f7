import { assemble } from "../cli/assemble.ts";
import { createLog, formatKeyValue } from "../cli/log.ts";
import type { ImageReference } from "../core/image-reference.ts";
import type { Platform } from "../core/platform.ts";
import type { Transport } from "../transport/contract/transport.ts";

/** How images are reached. What is left out comes from the user's own configuration files. */
export interface TransportsOptions {
  readonly authFile?: string;
  /** "nobody" uses none of the credentials that are stored. */
  readonly credentials?: { readonly username: string; readonly password: string } | "nobody";
  readonly certificateDirectory?: string;
  /** False: any certificate, and plain http where https fails. */
  readonly tlsVerify?: boolean;
  /** Of `oci:` layouts: where their blobs are, if not in them. */
  readonly sharedBlobDirectory?: string;
  readonly registriesConf?: string;
  /** Told warnings; nothing is written anywhere by itself. */
  readonly onWarning?: (text: string) => void;
}

/** An image name, understood: what a copy goes from or to. */
export interface Place {
  readonly transport: Transport;
  readonly reference: ImageReference;
}

/** Every transport, ready for use. Dispose of it to close the connections it keeps. */
export interface Transports extends AsyncDisposable {
  /** This host's platform, which is chosen from lists where nothing else is asked for. */
  readonly hostPlatform: Platform;
  /**
   * Reads `transport:text`, such as `docker://alpine` or `oci:folder:name`.
   *
   * @throws {UsageError} `usage.bad-reference`
   */
  resolve(text: string, as: "source" | "destination"): Promise<Place>;
}

/** Builds the transports as the command line does. */
export async function openTransports(options: TransportsOptions = {}): Promise<Transports> {
  const { onWarning = () => {}, registriesConf, ...settings } = options;
  const parts = await assemble({
    program: "amphora",
    version: "library",
    log: createLog({
      write: onWarning,
      format: formatKeyValue,
      debug: false,
      now: () => new Date(),
      isJson: false,
    }),
    settings: {
      commandTimeoutMs: 0,
      debug: false,
      insecurePolicy: false,
      requireSigned: false,
      logFormat: "text",
      ...(registriesConf !== undefined && { registriesConf }),
    },
  });
  const end = await parts.end({ retryTimes: 0, retryDelayMs: 0, ...settings });
  const { signal } = new AbortController();
  return {
    hostPlatform: parts.platform,
    resolve: (text, as) => end.resolve(text, as, { signal }),
    [Symbol.asyncDispose]: () => parts.close(),
  };
}
