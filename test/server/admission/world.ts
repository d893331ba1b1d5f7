import { rename, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { type Digest, type DigestAlgorithm, digestOf } from "../../../src/core/digest.ts";
import { KnownError } from "../../../src/core/errors.ts";
import type { RawManifest } from "../../../src/core/manifest.ts";
import { readRawManifest } from "../../../src/core/manifest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import {
  createAdmission,
  type ServerAdmission,
} from "../../../src/server/admission/create-admission.ts";
import { type LivePolicy, openLivePolicy } from "../../../src/server/admission/live-policy.ts";
import { admissionSettings } from "../../../src/server/admission/settings.ts";
import type { Decision } from "../../../src/server/admission.ts";
import type { ServerCall } from "../../../src/server/caller.ts";
import { type ServedRepository, servedName } from "../../../src/server/repository-name.ts";
import type { ServedSignatures } from "../../../src/server/served-signatures.ts";
import type { ServerEvent } from "../../../src/server/server-event.ts";
import type { ManifestReference } from "../../../src/server/v2/backend.ts";
import { testKey } from "../../support/certificates.ts";
import { fingerprints, type GpgHome, gpgHome } from "../../support/openpgp/gpg.ts";
import { payloadFor, signatureBy } from "../../support/sigstore.ts";
import { tempFolder } from "../../support/temp.ts";

/** When worlds begin. */
export const worldTime = Date.parse("2026-06-01T00:00:00Z");

/** People with keys; made once a file, since keys take their time. */
export interface People extends Disposable {
  readonly gpg: GpgHome;
  /** Ann's key never ends, Bob's ends in 2027. */
  readonly keys: { readonly ann: Uint8Array; readonly bob: Uint8Array };
  /** A simple signature. @param at `20260501T000000` */
  sign(who: "ann" | "bob", reference: string, digest: string, at?: string): UntrustedSignature;
}

export function people(): People {
  const gpg = gpgHome();
  const born = "20260101T000000";
  const make = (name: string, ends: string) => {
    const unlocked = ["--pinentry-mode", "loopback", "--passphrase", ""];
    gpg.output([...unlocked, "--quick-generate-key", name, "ed25519", "default", ends], {
      time: born,
    });
    return fingerprints(gpg, name)[0] ?? "";
  };
  const prints = { ann: make("ann@a.test", "never"), bob: make("bob@b.test", "2027-01-01") };
  return {
    gpg,
    keys: {
      ann: gpg.output(["--export", prints.ann]),
      bob: gpg.output(["--export", prints.bob]),
    },
    sign(who, reference, digest, at = "20260501T000000") {
      const payload = JSON.stringify({
        critical: {
          type: "atomic container signature",
          image: { "docker-manifest-digest": digest },
          identity: { "docker-reference": reference },
        },
        optional: { timestamp: 1_700_000_000 },
      });
      const args = ["--local-user", prints[who], "--compress-algo", "none", "--sign"];
      const bytes = gpg.output(args, { input: Buffer.from(payload), time: at });
      return { format: "simple-signing", bytes };
    },
    [Symbol.dispose]: () => gpg[Symbol.dispose](),
  };
}

/** A cosign key of the tests, and its signature of a name and a digest. */
export const cosignKey = testKey("p256", "admission");

export const cosigned = (reference: string, digest: string): UntrustedSignature =>
  signatureBy(cosignKey, payloadFor(digest, reference));

/** Signatures that can be held up, fail, and be counted. */
export class WorldSignatures implements ServedSignatures {
  readonly #kept = new Map<string, UntrustedSignature[]>();
  readonly #revisions = new Map<string, number>();
  bundles: readonly Uint8Array[] = [];
  reads = 0;
  failure: Error | undefined;
  held: Promise<void> | undefined;

  put(name: string, digest: Digest, ...signatures: readonly UntrustedSignature[]): void {
    const key = `${name}@${digest}`;
    this.#kept.set(key, [...(this.#kept.get(key) ?? []), ...signatures]);
    this.#revisions.set(key, (this.#revisions.get(key) ?? 0) + 1);
  }

  clear(name: string, digest: Digest): void {
    const key = `${name}@${digest}`;
    this.#kept.delete(key);
    this.#revisions.set(key, (this.#revisions.get(key) ?? 0) + 1);
  }

  async read(repository: ServedRepository, manifest: Digest) {
    this.reads++;
    await this.held;
    if (this.failure) throw this.failure;
    return this.#kept.get(`${servedName(repository)}@${manifest}`) ?? [];
  }

  readKept = this.read;

  async add(repository: ServedRepository, manifest: Digest, more: readonly UntrustedSignature[]) {
    this.put(servedName(repository), manifest, ...more);
  }

  async readBundles() {
    return this.bundles;
  }

  revision(repository: ServedRepository, manifest: Digest): number {
    return this.#revisions.get(`${servedName(repository)}@${manifest}`) ?? 0;
  }
}

/** A fault of a place of signatures, as a client of it tells it. */
export class PlaceError extends KnownError<"place.down"> {
  constructor() {
    super("place.down", "reading signature from https://user:pw@sigs.test/x: status 500");
  }
}

/** Requirements for policies. */
export const signedBy = (keyPath: string, identity?: string): object => ({
  type: "signedBy",
  keyType: "GPGKeys",
  keyPath,
  ...(identity && { signedIdentity: { type: identity } }),
});
export const accept = { type: "insecureAcceptAnything" };
export const reject = { type: "reject" };

/** A server's admission with everything around it in memory but its policy and databases. */
export interface World extends AsyncDisposable {
  readonly admission: ServerAdmission;
  readonly policy: LivePolicy;
  readonly signatures: WorldSignatures;
  readonly events: readonly ServerEvent[];
  readonly clock: { ms: number };
  /** Reads of manifests by digest, as admission made them. */
  readonly manifestReads: string[];
  in(...names: readonly string[]): string;
  /** Writes the policy: docker scopes, and `reject` for all else. Not reloaded. */
  writePolicy(scopes: Readonly<Record<string, readonly object[]>>): Promise<void>;
  keep(name: string, manifest: RawManifest): RawManifest;
  keepBlob(name: string, bytes: Uint8Array, algorithm?: DigestAlgorithm): Digest;
  byTag(name: string, tag: string, manifest: RawManifest): Promise<Decision>;
  byDigest(name: string, manifest: RawManifest): Promise<Decision>;
  blob(name: string, digest: Digest): Promise<Decision | undefined>;
  /** Another process on the same folder, with other settings if need be. */
  second(settings?: object, folder?: string): ServerAdmission;
}

export const repositoryOf = (name: string): ServedRepository => {
  const slash = name.indexOf("/");
  const domain = name.slice(0, slash);
  return {
    domain,
    path: name.slice(slash + 1),
    requested: name.slice(slash + 1),
    upstream: domain === "localhost:5000" ? undefined : domain,
  };
};

export const aCall = (signal: AbortSignal = new AbortController().signal): ServerCall => ({
  caller: { user: "ann", address: "127.0.0.1" },
  signal,
});

/**
 * @param settings the section, as it stands in the file
 * @param others judged by in place of the world's own signatures
 */
export async function admissionWorld(
  settings: object | undefined,
  scopes: Readonly<Record<string, readonly object[]>>,
  keys: Readonly<Record<string, Uint8Array>> = {},
  others?: ServedSignatures,
): Promise<World> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  for (const [name, bytes] of Object.entries(keys)) await writeFile(folder.in(name), bytes);
  const writePolicy: World["writePolicy"] = (scopes) => {
    const inFolder = (name: string, value: unknown) =>
      name === "keyPath" ? folder.in(String(value)) : value;
    const policy = { default: [reject], transports: { docker: scopes } };
    return replaceFile(folder.in("policy.json"), JSON.stringify(policy, inFolder));
  };
  await writePolicy(scopes);
  const clock = { ms: worldTime };
  const events: ServerEvent[] = [];
  const signatures = new WorldSignatures();
  const manifests = new Map<string, RawManifest>();
  const blobs = new Map<string, Uint8Array>();
  const manifestReads: string[] = [];
  const report = (event: ServerEvent) => void events.push(event);
  const policy = stack.use(
    openLivePolicy({
      policy: folder.in("policy.json"),
      overlay: folder.in("x-policy.json"),
      signaturePlaces: [folder.in("registries.d")],
      verifiers: createVerifiers({ now: () => new Date(clock.ms) }),
      requireSigned: false,
      report,
      everyMs: 20,
    }),
  );
  const open = (settings: object | undefined, folder: string) =>
    createAdmission({
      settings: settings && admissionSettings.parse(settings),
      serverName: "localhost:5000",
      policy: settings && policy,
      signatures: others ?? signatures,
      readManifest: async (repository, digest) => {
        manifestReads.push(digest);
        return manifests.get(`${servedName(repository)}@${digest}`);
      },
      readBlob: async (repository, digest, { maxBytes }) => {
        const bytes = blobs.get(`${servedName(repository)}@${digest}`);
        return bytes && bytes.length <= maxBytes ? bytes : undefined;
      },
      async openBlob(repository, digest) {
        const bytes = blobs.get(`${servedName(repository)}@${digest}`);
        const read = () => Readable.from(bytes ? [bytes] : []);
        return bytes && { size: bytes.length, read, async [Symbol.asyncDispose]() {} };
      },
      folder,
      now: () => clock.ms,
      report,
    });
  const own = folder.in("admission");
  const admission = stack.use(open(settings, own));
  const ask = (name: string, reference: ManifestReference, manifest: RawManifest) =>
    admission.admitManifest(repositoryOf(name), reference, manifest, aCall());
  return {
    admission,
    policy,
    signatures,
    events,
    clock,
    manifestReads,
    in: folder.in,
    writePolicy,
    keep(name, manifest) {
      manifests.set(`${name}@${manifest.digest}`, manifest);
      return manifest;
    },
    keepBlob(name, bytes, algorithm) {
      const digest = digestOf(bytes, algorithm);
      blobs.set(`${name}@${digest}`, bytes);
      return digest;
    },
    byTag: (name, tag, manifest) => ask(name, { type: "tag", tag }, manifest),
    byDigest: (name, manifest) => ask(name, { type: "digest", digest: manifest.digest }, manifest),
    blob: async (name, digest) => admission.admitBlob(repositoryOf(name), digest, aCall()),
    second: (other = settings, folder = own) => stack.use(open(other, folder)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** All of it at once: whoever looks meanwhile sees the one or the other. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

const descriptor = (mediaType: string, digest: Digest, size: number, more: object = {}) => ({
  mediaType,
  digest,
  size,
  ...more,
});

/** A digest of something that is nowhere. */
export const someDigest = (text: string): Digest => digestOf(Buffer.from(text));

/** An image with a config and a layer, told apart by its name; anything in it may be changed. */
export function image(name: string, change: Readonly<Record<string, unknown>> = {}): RawManifest {
  return manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptor(mediaTypes.ociConfig, someDigest(`${name} config`), 10),
    layers: [descriptor(mediaTypes.ociLayerGzip, someDigest(`${name} layer`), 10)],
    ...change,
  });
}

export const configOf = (name: string): Digest => someDigest(`${name} config`);
export const layerOf = (name: string): Digest => someDigest(`${name} layer`);

/** An index of these, for one platform each. */
export function index(
  instances: readonly (RawManifest | object)[],
  change: Readonly<Record<string, unknown>> = {},
): RawManifest {
  const architectures = ["amd64", "arm64", "s390x", "riscv64"];
  return manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: instances.map((instance, position) =>
      "bytes" in instance
        ? descriptor(instance.mediaType, instance.digest, instance.bytes.length, {
            platform: { os: "linux", architecture: architectures[position % 4] },
          })
        : instance,
    ),
    ...change,
  });
}

export function manifestOf(document: object): RawManifest {
  return readRawManifest(Buffer.from(JSON.stringify(document)));
}
