import { algorithmOf } from "../../core/digest.ts";
import { subjectOf } from "../../core/subject.ts";
import { RegistryError } from "../../registry/errors.ts";
import type { Repository } from "../../registry/repository.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { ManifestKept, ManifestPut } from "../v2/backend.ts";
import { listedContent } from "./listed-content.ts";
import type { PushParts } from "./push-parts.ts";
import { neverAsk } from "./store.ts";
import { type Uploads, writesThrough } from "./uploads.ts";
import { upstreamAnswer } from "./upstream-answer.ts";
import type { Upstream } from "./upstream-client.ts";

/** As many as every registry takes that takes any. */
const tagsAtOnce = 10;

/** A manifest on its way to an upstream. */
export interface ManifestPush extends ManifestPut {
  readonly upstream: Upstream;
  readonly repository: ServedRepository;
  readonly call: ServerCall;
}

/** Where manifests go that are to be at their upstream later. Durable when it returns. */
export type Enqueue = (push: ManifestPush) => void;

/** Manifests pushed to repositories of upstreams (`specs/registry.md` 5.6). */
export class ManifestPushes {
  readonly #parts: PushParts;
  readonly #uploads: Uploads;
  readonly #enqueue: Enqueue;

  constructor(parts: PushParts, uploads: Uploads, enqueue: Enqueue) {
    this.#parts = parts;
    this.#uploads = uploads;
    this.#enqueue = enqueue;
  }

  async put(push: ManifestPush): Promise<ManifestKept> {
    await this.#checkConflict(push);
    if (writesThrough(push.upstream)) await this.#putThrough(push);
    else await this.#putHere(push);
    return this.#learn(push);
  }

  /**
   * Has the upstream take the manifest under all its tags, after whatever of it is held here and missing there.
   *
   * @throws {RegistryAnswerError}
   */
  async send(push: ManifestPush): Promise<void> {
    const { upstream, repository, manifest, tags, call } = push;
    try {
      await using there = upstream.repository(repository.path, "write", call);
      const tagged = isNamedBySha256(push) ? [] : await this.#sendByDigest(push, there);
      const references = tags.filter((tag) => !tagged.includes(tag));
      if (tags.length === 0) references.push(manifest.digest);
      for (const reference of references) await this.#sendAs(push, there, { reference });
      upstream.answered();
    } catch (error) {
      upstream.failed(error);
      throw upstreamAnswer(error, upstream.name);
    }
  }

  async #putThrough(push: ManifestPush): Promise<void> {
    await this.send(push);
    const { repository, manifest, tags } = push;
    await this.#parts.store.cache.keepManifest(repository, manifest, {
      tags,
      checkedAt: this.#parts.now(),
    });
  }

  async #putHere(push: ManifestPush): Promise<void> {
    const { store } = this.#parts;
    const { repository, manifest, tags, upstream } = push;
    try {
      await store.putManifest(repository, push, push.call);
    } catch (error) {
      // what is not here may be there: clients are told so, and do not push it
      if (!isMissingContent(error) || !(await this.#isAllThere(push))) throw error;
      await store.cache.keepManifest(repository, manifest, { tags, checkedAt: this.#parts.now() });
    }
    if (upstream.settings.push === "write-back") return this.#enqueue(push);
    for (const tag of tags) store.cache.touchTag(repository, tag, neverAsk);
  }

  async #isAllThere({ upstream, repository, manifest, call }: ManifestPush): Promise<boolean> {
    const { blobs, manifests } = this.#parts;
    for (const { digest, kind, foreign } of listedContent(manifest)) {
      const found =
        kind === "blob"
          ? foreign || (await blobs.stat({ upstream, repository, digest, call }))
          : await manifests.read(upstream, repository, { type: "digest", digest }, call);
      if (!found) return false;
    }
    return true;
  }

  /** By its own digest with tags to it: a tag alone would come to stand for its sha256. Gives the tags that it has then. */
  async #sendByDigest(push: ManifestPush, there: Repository): Promise<readonly string[]> {
    const { manifest, tags, instead } = push;
    const taken: string[] = [];
    for (let at = 0; instead === undefined && at < tags.length; at += tagsAtOnce) {
      const some = { reference: manifest.digest, tags: tags.slice(at, at + tagsAtOnce) };
      taken.push(...(await this.#sendAs(push, there, some)));
    }
    return taken;
  }

  async #sendAs(
    push: ManifestPush,
    there: Repository,
    { reference, tags }: { readonly reference: string; readonly tags?: readonly string[] },
  ): Promise<readonly string[]> {
    const { manifest, call, instead } = push;
    const { signal } = call;
    const options = { signal, ...(instead !== undefined && { instead }), ...(tags && { tags }) };
    try {
      return (await there.pushManifest(reference, manifest, options)).tagsTaken;
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== "registry.content-missing")
        throw error;
      await this.#sendContent(push, there);
      return (await there.pushManifest(reference, manifest, options)).tagsTaken;
    }
  }

  /** Blobs and instances that are held here. */
  async #sendContent(push: ManifestPush, there: Repository): Promise<void> {
    const { upstream, repository, manifest, call } = push;
    for (const { digest, kind } of listedContent(manifest)) {
      if (kind === "blob") {
        await this.#uploads.sendHeld({ upstream, repository, call }, digest);
        continue;
      }
      const reference = { type: "digest", digest } as const;
      const instance = await this.#parts.store.readManifest(repository, reference, call);
      const inner = instance && { ...push, manifest: instance, tags: [] };
      if (inner) await this.#sendAs(inner, there, { reference: digest });
    }
  }

  async #checkConflict({ upstream, repository, manifest, tags, call }: ManifestPush) {
    if (upstream.settings.tagConflict === "overwrite" || upstream.settings.offline) return;
    for (const tag of tags) {
      const known = this.#parts.store.cache.readTag(repository, tag);
      const there = upstream.repository(repository.path, "read", call);
      const head = await there.headManifest(tag, call).catch((error: unknown) => {
        throw upstreamAnswer(error, upstream.name);
      });
      if (head.type !== "held" || head.digest === manifest.digest) continue;
      if (head.digest === known?.digest) continue;
      throw new RegistryAnswerError(
        "DENIED",
        `${tag} has moved at ${upstream.name} to ${head.digest} since it was last seen here`,
        { status: 409, hint: "Pull it first, and push again if it is to be replaced" },
      );
    }
  }

  #learn({ repository, manifest, tags }: ManifestPush): ManifestKept {
    const { manifests, referrers, tags: lists } = this.#parts;
    for (const reference of [...tags, manifest.digest])
      manifests.forgetAbsence(repository, reference);
    if (tags.length > 0) lists.forget(repository);
    const subject = subjectOf(manifest);
    if (subject !== undefined) referrers.forget(repository, subject);
    return { digest: manifest.digest, ...(subject !== undefined && { subject }) };
  }
}

function isNamedBySha256({ manifest }: ManifestPush): boolean {
  return algorithmOf(manifest.digest) === "sha256";
}

function isMissingContent(error: unknown): boolean {
  return (
    error instanceof RegistryAnswerError &&
    (error.code === "MANIFEST_BLOB_UNKNOWN" || error.code === "BLOB_UNKNOWN")
  );
}
