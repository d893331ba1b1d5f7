import type { Descriptor } from "../../../src/core/descriptor.ts";
import { type Digest, digestOf, hasherFor } from "../../../src/core/digest.ts";
import type { RawManifest } from "../../../src/core/manifest.ts";
import type { ServerCall } from "../../../src/server/caller.ts";
import { type ServedRepository, servedName } from "../../../src/server/repository-name.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import type {
  Backend,
  HeldManifest,
  ManifestKept,
  ManifestPut,
  ManifestReference,
  NamesPage,
  OpenBlob,
  Page,
  UploadBegun,
  UploadPiece,
  UploadStart,
  UploadState,
} from "../../../src/server/v2/backend.ts";
import { describeReferrer, readLinks } from "./manifest-links.ts";

interface Repository {
  readonly blobs: Map<Digest, Uint8Array>;
  readonly manifests: Map<Digest, HeldManifest>;
  readonly tags: Map<string, Digest>;
}

interface Upload {
  readonly repository: string;
  readonly user: string | undefined;
  bytes: Uint8Array;
}

/** Repositories in memory that keep to the contract of a backend; every test may look inside. */
export class MemoryBackend implements Backend {
  readonly repositories = new Map<string, Repository>();
  readonly uploads = new Map<string, Upload>();
  #count = 0;

  /** The repository called `domain/path`, made if it is not there. */
  at(name: string): Repository {
    const found = this.repositories.get(name);
    if (found) return found;
    const made = { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.repositories.set(name, made);
    return made;
  }

  async readManifest(
    repository: ServedRepository,
    reference: ManifestReference,
    _call?: ServerCall,
  ): Promise<HeldManifest | undefined> {
    const held = this.repositories.get(servedName(repository));
    const digest = reference.type === "tag" ? held?.tags.get(reference.tag) : reference.digest;
    return digest && held?.manifests.get(digest);
  }

  async statBlob(repository: ServedRepository, digest: Digest) {
    const bytes = this.#blob(repository, digest);
    return bytes && { size: bytes.length };
  }

  async openBlob(repository: ServedRepository, digest: Digest): Promise<OpenBlob | undefined> {
    const bytes = this.#blob(repository, digest);
    if (bytes === undefined) return undefined;
    return {
      size: bytes.length,
      async *read({ start, end }) {
        for (let at = start; at < end; at += 65_536)
          yield bytes.subarray(at, Math.min(at + 65_536, end));
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  async listTags(repository: ServedRepository, page: Page): Promise<NamesPage | undefined> {
    const held = this.repositories.get(servedName(repository));
    return held && cut([...held.tags.keys()], page);
  }

  async listReferrers(
    repository: ServedRepository,
    subject: Digest,
  ): Promise<readonly Descriptor[]> {
    const held = this.repositories.get(servedName(repository));
    const all = [...(held?.manifests.values() ?? [])];
    return all.filter((one) => readLinks(one).subject === subject).map(describeReferrer);
  }

  async listRepositories(page: Page): Promise<NamesPage> {
    const paths = [...this.repositories.keys()].map((name) => name.slice(name.indexOf("/") + 1));
    return cut(paths, page);
  }

  async beginUpload(
    repository: ServedRepository,
    start: UploadStart,
    { caller }: ServerCall,
  ): Promise<UploadBegun> {
    const mounted = start.type === "mount" ? await this.#findMounted(start) : undefined;
    if (start.type === "mount" && mounted) {
      this.at(servedName(repository)).blobs.set(start.digest, mounted);
      return { type: "mounted" };
    }
    this.#count += 1;
    const id = `upload-${this.#count}`;
    const upload = {
      repository: servedName(repository),
      user: caller.user,
      bytes: new Uint8Array(),
    };
    this.uploads.set(id, upload);
    return { type: "open", upload: { id, size: 0 } };
  }

  async readUpload(
    repository: ServedRepository,
    id: string,
    call: ServerCall,
  ): Promise<UploadState | undefined> {
    const upload = this.#upload(repository, id, call);
    return upload && { id, size: upload.bytes.length };
  }

  async appendUpload(
    repository: ServedRepository,
    id: string,
    { body, range }: UploadPiece,
    call: ServerCall,
  ): Promise<UploadState> {
    const upload = this.#upload(repository, id, call);
    if (!upload) throw new RegistryAnswerError("BLOB_UPLOAD_UNKNOWN", "unknown", { status: 404 });
    if (range !== undefined && range.first !== upload.bytes.length) {
      throw new RegistryAnswerError("RANGE_INVALID", "out of order", { status: 416 });
    }
    for await (const chunk of body) upload.bytes = Buffer.concat([upload.bytes, chunk]);
    return { id, size: upload.bytes.length };
  }

  async finishUpload(
    repository: ServedRepository,
    id: string,
    end: UploadPiece & { readonly digest: Digest },
    call: ServerCall,
  ): Promise<void> {
    await this.appendUpload(repository, id, end, call);
    const bytes = this.uploads.get(id)?.bytes ?? new Uint8Array();
    this.uploads.delete(id);
    const hash = hasherFor(end.digest).update(bytes).digest("hex");
    if (!end.digest.endsWith(`:${hash}`)) {
      throw new RegistryAnswerError("DIGEST_INVALID", "digest mismatch", { status: 400 });
    }
    this.at(servedName(repository)).blobs.set(end.digest, bytes);
  }

  async cancelUpload(repository: ServedRepository, id: string, call: ServerCall): Promise<boolean> {
    return this.#upload(repository, id, call) !== undefined && this.uploads.delete(id);
  }

  async putManifest(
    repository: ServedRepository,
    { manifest, tags, instead }: ManifestPut,
  ): Promise<ManifestKept> {
    const held = this.at(servedName(repository));
    this.#checkLinks(held, manifest);
    const [tag = ""] = tags;
    if (instead !== undefined && (held.tags.get(tag) ?? "nothing") !== instead) {
      throw new RegistryAnswerError("DENIED", "the tag is another by now", { status: 412 });
    }
    held.manifests.set(manifest.digest, manifest);
    for (const name of tags) held.tags.set(name, manifest.digest);
    const { subject } = readLinks(manifest);
    return { digest: manifest.digest, ...(subject && { subject }) };
  }

  async deleteManifest(
    repository: ServedRepository,
    reference: ManifestReference,
  ): Promise<boolean> {
    const held = this.repositories.get(servedName(repository));
    if (reference.type === "tag") return held?.tags.delete(reference.tag) ?? false;
    for (const [tag, digest] of held?.tags ?? []) {
      if (digest === reference.digest) held?.tags.delete(tag);
    }
    return held?.manifests.delete(reference.digest) ?? false;
  }

  async deleteBlob(repository: ServedRepository, digest: Digest): Promise<boolean> {
    return this.repositories.get(servedName(repository))?.blobs.delete(digest) ?? false;
  }

  /** Puts an image's parts in from the inside; the digest of the manifest. */
  keep(
    name: string,
    manifest: RawManifest,
    tags: readonly string[],
    blobs: readonly Uint8Array[],
  ): Digest {
    const held = this.at(name);
    for (const bytes of blobs) held.blobs.set(digestOf(bytes), bytes);
    held.manifests.set(manifest.digest, manifest);
    for (const tag of tags) held.tags.set(tag, manifest.digest);
    return manifest.digest;
  }

  #blob(repository: ServedRepository, digest: Digest): Uint8Array | undefined {
    return this.repositories.get(servedName(repository))?.blobs.get(digest);
  }

  #upload(repository: ServedRepository, id: string, { caller }: ServerCall): Upload | undefined {
    const upload = this.uploads.get(id);
    const own = upload?.repository === servedName(repository) && upload.user === caller.user;
    return own ? upload : undefined;
  }

  async #findMounted(start: UploadStart & { type: "mount" }): Promise<Uint8Array | undefined> {
    if (start.from !== undefined) return this.#blob(start.from, start.digest);
    for (const [name, { blobs }] of this.repositories) {
      const [domain = "", ...path] = name.split("/");
      if (await start.mayRead({ domain, path: path.join("/") })) {
        const bytes = blobs.get(start.digest);
        if (bytes) return bytes;
      }
    }
    return undefined;
  }

  #checkLinks(held: Repository, manifest: RawManifest): void {
    const { blobs, manifests } = readLinks(manifest);
    const missing = [
      ...blobs.filter((digest) => !held.blobs.has(digest)),
      ...manifests.filter((digest) => !held.manifests.has(digest)),
    ];
    if (missing.length === 0) return;
    throw new RegistryAnswerError("MANIFEST_BLOB_UNKNOWN", "a blob is missing", {
      status: 400,
      detail: { digests: missing },
    });
  }
}

function cut(names: readonly string[], { last, limit }: Page): NamesPage {
  const behind = [...names].sort().filter((name) => last === undefined || name > last);
  return { names: behind.slice(0, limit), more: behind.length > limit };
}
