import type { Digest } from "../../src/core/digest.ts";
import { type Access, checkAccess } from "./registry/access.ts";
import { type Exchange, requestHeader } from "./registry/exchange.ts";
import { type Features, plainFeatures } from "./registry/features.ts";
import type { RequestLog } from "./registry/log.ts";
import { deleteBlob, deleteManifest, pushManifest, storedDigest } from "./registry/manifests.ts";
import { listCatalog, listReferrers, listTags, pullBlob, pullManifest } from "./registry/pull.ts";
import { continueUpload, openUpload } from "./registry/push.ts";
import { emptyReply, errorReply, jsonReply, type Reply, textReply } from "./registry/reply.ts";
import type { Rule, RuleInForce } from "./registry/rules.ts";
import { FaultyServer, type ServerTls } from "./registry/server.ts";
import { addSignature, listSignatures, signaturesHeader } from "./registry/signatures.ts";
import { blobOfBytes, RegistryStore, type StoredBlob } from "./registry/store.ts";

export interface RegistryOptions {
  /** Default: open to all. */
  readonly access?: Access;
  readonly tls?: ServerTls;
  /** What differs from the plain registry; `quirks()` gives whole profiles. */
  readonly features?: Partial<Features>;
  /** Share what another registry holds (a CDN, an object store, a second name). */
  readonly store?: RegistryStore;
  /** Uploads above this are hashed but not held. Default 64 MiB. */
  readonly keepBytes?: number;
  /** A loopback address; 127.0.0.1 unless told. */
  readonly address?: string;
}

/** An image to put into a registry from the inside: its blobs and manifests, children first. */
export interface SeedImage {
  readonly blobs: ReadonlyMap<string, Uint8Array | StoredBlob>;
  readonly manifests: readonly { readonly mediaType: string; readonly bytes: Uint8Array }[];
}

/**
 * A registry in this process, on a free port of 127.0.0.1, in memory: pull, push, delete, referrers, catalog, access.
 * It checks what it is given, logs what it is asked, and misbehaves where told.
 */
export class Registry implements AsyncDisposable {
  readonly store: RegistryStore;
  /** May be changed at any time. */
  features: Features;
  access: Access;
  readonly #server: FaultyServer;

  private constructor(server: FaultyServer, options: RegistryOptions, store: RegistryStore) {
    this.#server = server;
    this.store = store;
    this.features = { ...plainFeatures, ...options.features };
    this.access = options.access ?? { kind: "open" };
  }

  static async start(options: RegistryOptions = {}): Promise<Registry> {
    const store = options.store ?? new RegistryStore();
    const server = await FaultyServer.start({
      handle: (exchange) => route(exchange, registry.access),
      features: () => registry.features,
      store,
      keepBytes: options.keepBytes ?? 64 * 1024 * 1024,
      ...(options.tls && { tls: options.tls }),
      ...(options.address && { address: options.address }),
    });
    const registry = new Registry(server, options, store);
    return registry;
  }

  /** `127.0.0.1:port`. */
  get host(): string {
    return this.#server.host;
  }

  get port(): number {
    return this.#server.port;
  }

  /** `http(s)://127.0.0.1:port`. */
  get origin(): string {
    return this.#server.origin;
  }

  get log(): RequestLog {
    return this.#server.log;
  }

  /** Misbehaves from now on. */
  behave(rule: Rule): RuleInForce {
    return this.#server.behave(rule);
  }

  behaveWell(): void {
    this.#server.behaveWell();
  }

  /** Puts an image in, without a request. The last manifest gets the tag. Returns its digest. */
  seed(repository: string, tag: string | undefined, image: SeedImage): string {
    const there = this.store.open(repository);
    for (const [digest, blob] of image.blobs) {
      there.blobs.set(digest, blob instanceof Uint8Array ? blobOfBytes(blob) : blob);
    }
    let last = "";
    for (const manifest of image.manifests) {
      const digest = seededDigest(manifest.bytes);
      there.manifests.set(digest, manifest);
      if (tag !== undefined) there.tags.set(tag, digest);
      last = digest;
    }
    return last;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

const seeded = new WeakMap<Uint8Array, Digest>();

/** Worked out once, however many registries are given the same bytes. */
function seededDigest(bytes: Uint8Array): Digest {
  const digest =
    seeded.get(bytes) ?? storedDigest(bytes, JSON.parse(Buffer.from(bytes).toString()));
  seeded.set(bytes, digest);
  return digest;
}

/** Starts a registry. `await using registry = await startRegistry()` stops it again. */
export function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  return Registry.start(options);
}

async function route(exchange: Exchange, access: Access): Promise<Reply> {
  const { operation, features } = exchange;
  if (features.refusesAuthorization && requestHeader(exchange, "authorization") !== "") {
    return errorReply(400, "InvalidArgument", "only one authentication mechanism is allowed");
  }
  const refused = checkAccess(access, exchange);
  if (refused) return refused;
  if (features.headStatus !== undefined && operation.method === "HEAD") {
    return emptyReply(features.headStatus);
  }
  if (lacksLength(exchange)) return textReply(411, "Length Required");
  return dispatch(exchange);
}

function lacksLength({ features, operation, request }: Exchange): boolean {
  const sends = ["POST", "PUT", "PATCH"].includes(operation.method);
  return features.needsLength && sends && request.headers["content-length"] === undefined;
}

type Handler = (exchange: Exchange) => Reply | Promise<Reply>;

const handlers: Readonly<Record<string, Handler>> = {
  "GET ping": ({ features }) =>
    jsonReply(200, "{}", {
      "docker-distribution-api-version": "registry/2.0",
      ...signaturesHeader(features.signatures),
    }),
  "HEAD ping": () => emptyReply(200),
  "GET catalog": listCatalog,
  "GET manifest": pullManifest,
  "HEAD manifest": pullManifest,
  "PUT manifest": pushManifest,
  "DELETE manifest": deleteManifest,
  "GET blob": pullBlob,
  "HEAD blob": pullBlob,
  "DELETE blob": deleteBlob,
  "POST uploads": openUpload,
  "PATCH upload": continueUpload,
  "PUT upload": continueUpload,
  "GET upload": continueUpload,
  "DELETE upload": continueUpload,
  "GET tags": listTags,
  "GET referrers": listReferrers,
  "GET signatures": listSignatures,
  "PUT signatures": addSignature,
};

function dispatch(exchange: Exchange): Reply | Promise<Reply> {
  const { method, kind } = exchange.operation;
  const handler = handlers[`${method} ${kind}`];
  return handler ? handler(exchange) : textReply(404, "404 page not found\n");
}
