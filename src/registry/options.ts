import type { BlobPlaces } from "./blob-places.ts";
import type { Clock } from "./clock.ts";
import type { Credentials } from "./credentials.ts";
import type { ReportRegistry } from "./events.ts";
import type { HostBudget } from "./host-budget.ts";
import type { HttpClient } from "./http/contract.ts";

/** Everything one registry host is spoken to with. Built once, where the settings are known. */
export interface RegistryHostOptions {
  /** The domain of references: `docker.io`, `localhost:5000`. */
  readonly host: string;
  readonly http: HttpClient;
  /** Asked once, when the registry first demands it. */
  readonly credentials: () => Promise<Credentials | undefined>;
  /**
   * "insecure": https is tried first (the HTTP client's TLS settings decide whether certificates count), then http.
   * "verify": https only.
   */
  readonly security: "verify" | "insecure";
  readonly userAgent: string;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly report: ReportRegistry;
  /** Refuses to send credentials to a token service of another domain, instead of telling of it. */
  readonly strictRealm?: boolean;
  /** Where it is asked, if not at `https://host`. With `http:` TLS is not tried. */
  readonly origin?: URL;
  /** Sent to the registry itself with every request, and nowhere else; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly limits?: Partial<RegistryLimits>;
  /** Makes several processes change a list by turns; absent: they do what they can without. */
  readonly exclusively?: Exclusively;
  /** What is asked before more is done, where others talk to the host too or it is to be spared. */
  readonly budget?: HostBudget;
  /** What others know of the registry too; else what this client learns. */
  readonly blobPlaces?: BlobPlaces;
}

/**
 * Runs `work` while nobody else who agrees on it, in any process, runs under `key`. `lost` aborts where the turn could not
 * be kept.
 */
export type Exclusively = <T>(
  key: string,
  signal: AbortSignal,
  work: (lost: AbortSignal) => Promise<T>,
) => Promise<T>;

/** Numbers that may be set. */
export interface RegistryLimits {
  /** Requests under way at once, for each of metadata, downloads and uploads. */
  readonly slots: number;
  /** Times a request is sent before its failure is final. */
  readonly tries: number;
  readonly manifestBytes: number;
  /** The longest wait that a server may ask for. */
  readonly retryAfterMs: number;
  /** Up to this size a blob is sent without asking whether it is there. */
  readonly unaskedBytes: number;
  /** Repositories tried to mount a blob from. */
  readonly mountsTried: number;
  /** Bytes in a piece, where a registry takes uploads only in pieces. */
  readonly chunkBytes: number;
  /** How long the answer to a finished upload may take: large blobs are hashed and stored anew then. */
  readonly finishMs: number;
  /** Pulls left at which manifest reads wait for more; 0 never waits. */
  readonly keptPulls: number;
}

/** `specs/registry.md` 4.3, 4.4 and 6.2. */
export const defaultLimits: RegistryLimits = {
  slots: 6,
  tries: 6,
  manifestBytes: 4 * 1024 * 1024,
  retryAfterMs: 10 * 60_000,
  unaskedBytes: 32 * 1024,
  mountsTried: 2,
  chunkBytes: 16 * 1024 * 1024,
  finishMs: 5 * 60_000,
  keptPulls: 0,
};

/** The host that answers for a domain: Docker Hub's is another than its name. */
export function apiHost(domain: string): string {
  return domain === "docker.io" ? "registry-1.docker.io" : domain;
}
