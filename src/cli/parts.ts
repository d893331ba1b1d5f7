import type { Gate } from "../../policy/gate.ts";
import type { Environment } from "../config/environment.ts";
import type { PolicyFile } from "../config/load-policy-file.ts";
import type { ShortNameRules } from "../config/short-names.ts";
import type { DockerReference } from "../core/docker-reference.ts";
import type { ImageReference } from "../core/image-reference.ts";
import type { Platform } from "../core/platform.ts";
import type { Store } from "../storage/store.ts";
import type { Coordinator } from "../sync/coordinator.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import type { Transport } from "../transport/contract/transport.ts";
import type { RepositoryPlaces } from "../transport/docker/signatures.ts";
import type { StoreChoice } from "./local/store-choice.ts";
import type { Log } from "./log.ts";
import type { RegistryReach } from "./registries.ts";
import type { EndSettings, GlobalSettings } from "./settings.ts";
import type { ProgramName } from "./specs/spec.ts";

/** An image name, understood. */
export interface ResolvedImage {
  readonly transport: Transport;
  readonly reference: ImageReference;
}

/** One end of a run: every transport, built with that end's credentials, TLS and folders. */
export interface End {
  /**
   * Reads `transport:text`.
   *
   * @throws {UsageError} `usage.bad-reference` with skopeo's text, without a prefix: `Invalid image name "x", expected …`
   */
  resolve(text: string, as: "source" | "destination", options: CallOptions): Promise<ResolvedImage>;
  /** Where the signatures of a repository are kept. */
  signaturePlaces(reference: DockerReference): Promise<RepositoryPlaces>;
}

/** What is to be made of an image at a destination, where its transport leaves a choice. */
export interface LayerSettings {
  /** `dir:` only. */
  readonly compress: boolean;
  /** `dir:` only. */
  readonly decompress: boolean;
  /** `oci:` only. */
  readonly acceptUncompressed: boolean;
  /** `docker-archive:` only: more names for what is written, with tags. */
  readonly additionalNames?: readonly DockerReference[];
}

/** How a store is opened. */
export interface StoreOptions extends CallOptions {
  /** Nothing will be changed: then the store need not be there. */
  readonly readOnly: boolean;
}

/** What went over the wire so far. */
export interface Traffic {
  readonly requests: number;
  readonly retries: number;
}

/** What commands work with. Built once by `assemble.ts`, which alone knows how things are made. */
export interface Parts {
  readonly environment: Environment;
  /** The platform wanted from a list: the overrides, or the host's. */
  readonly platform: Platform;
  end(settings: EndSettings, layers?: LayerSettings, coordinator?: Coordinator): Promise<End>;
  /**
   * The trust policy in force.
   *
   * @throws {ConfigError} where there is none
   * @throws {PolicyError} `policy.invalid`
   */
  gate(): Promise<Gate>;
  /**
   * A gate that holds to another policy.
   *
   * @throws {PolicyError} `policy.invalid`
   */
  gateOf(policy: PolicyFile): Gate;
  /**
   * Asks a registry whether these credentials are good.
   *
   * @throws {RegistryError} `registry.unauthorized` where they are not
   */
  checkLogin(
    registry: string,
    credentials: { readonly username: string; readonly password: string },
    settings: EndSettings,
    options: CallOptions,
  ): Promise<void>;
  /** What short names stand for. */
  shortNames(): Promise<ShortNameRules>;
  /**
   * The store of this machine's images.
   *
   * @throws {ConfigError} where storage.conf cannot be read, or names a driver that there is not
   */
  store(choice: StoreChoice, options: StoreOptions): Promise<Store>;
  traffic(): Traffic;
  /** Closes connections that are kept open. */
  close(): Promise<void>;
}

/** What `assemble` is given. */
export interface AssemblyInput {
  readonly program: ProgramName;
  readonly version: string;
  readonly settings: GlobalSettings;
  readonly log: Log;
  /** Absent: registries may be anywhere, and are reached as this machine's files say. */
  readonly reach?: RegistryReach;
  /** Of all who mirror at the same time: how much hosts are asked, who changes a list. */
  readonly coordinator?: Coordinator;
}

/** `assemble.ts` exports this as `assemble`. */
export type Assemble = (input: AssemblyInput) => Promise<Parts>;
