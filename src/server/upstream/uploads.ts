import { algorithmOf, type Digest } from "../../core/digest.ts";
import { isRefusal } from "../../registry/repository-state.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { UploadBegun, UploadPiece, UploadStart, UploadState } from "../v2/backend.ts";
import { openHeldStream } from "./held-blob-stream.ts";
import type { PushParts } from "./push-parts.ts";
import { UploadRelay } from "./upload-relay.ts";
import { upstreamAnswer } from "./upstream-answer.ts";
import type { Upstream } from "./upstream-client.ts";

/** One call about an upload. */
interface Ask {
  readonly upstream: Upstream;
  readonly repository: ServedRepository;
  readonly call: ServerCall;
}

/**
 * Uploads to repositories of upstreams. Their bytes are held here as any upload's are; with write-through they go to the
 * upstream at the same time, and are there when the upload is finished.
 */
export class Uploads implements AsyncDisposable {
  readonly #parts: PushParts;
  readonly #relays = new Map<string, UploadRelay>();

  constructor(parts: PushParts) {
    this.#parts = parts;
  }

  async begin(ask: Ask, start: UploadStart): Promise<UploadBegun> {
    const { store } = this.#parts;
    if (start.type === "mount") {
      if (await this.#mount(ask, start)) {
        this.#parts.blobs.forgetAbsence(ask.repository, start.digest);
        return { type: "mounted" };
      }
      return await store.beginUpload(ask.repository, { type: "new" }, ask.call);
    }
    return await store.beginUpload(ask.repository, start, ask.call);
  }

  async append(ask: Ask, id: string, piece: UploadPiece): Promise<UploadState> {
    const relay = await this.#relay(ask, id);
    if (!relay) return await this.#parts.store.appendUpload(ask.repository, id, piece, ask.call);
    try {
      const through = { ...piece, body: relay.through(piece.body) };
      const state = await this.#parts.store.appendUpload(ask.repository, id, through, ask.call);
      relay.settle(state.size);
      return state;
    } catch (error) {
      relay.giveUp();
      throw error;
    }
  }

  async finish(
    ask: Ask,
    id: string,
    end: UploadPiece & { readonly digest: Digest },
  ): Promise<void> {
    const { store, blobs } = this.#parts;
    const { repository, call } = ask;
    blobs.forgetAbsence(repository, end.digest);
    if (!writesThrough(ask.upstream)) return await store.finishUpload(repository, id, end, call);
    const relay = await this.#relay(ask, id);
    this.#relays.delete(id);
    const wasHeld = await store.statBlob(repository, end.digest, call);
    try {
      const body = relay ? relay.through(end.body) : end.body;
      await store.finishUpload(repository, id, { ...end, body }, call);
    } catch (error) {
      relay?.giveUp();
      throw error;
    }
    try {
      await this.#complete(ask, end.digest, relay);
    } catch (error) {
      if (!wasHeld) await store.deleteBlob(repository, end.digest, call).catch(() => {});
      throw error;
    }
  }

  async cancel({ repository, call }: Ask, id: string): Promise<boolean> {
    this.#relays.get(id)?.giveUp();
    this.#relays.delete(id);
    return await this.#parts.store.cancelUpload(repository, id, call);
  }

  /** @throws {RegistryAnswerError} where the upstream does not take a blob that is held here */
  async sendHeld({ upstream, repository, call }: Ask, digest: Digest): Promise<void> {
    const { store } = this.#parts;
    try {
      await using there = upstream.repository(repository.path, "write", call);
      await using stream = await openHeldStream(store, repository, digest, call);
      if (!stream || (await there.adoptBlob(stream.descriptor, [], call))) return;
      await there.writeBlob(stream, call);
      upstream.answered();
    } catch (error) {
      upstream.failed(error);
      throw upstreamAnswer(error, upstream.name);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const relay of this.#relays.values()) relay.giveUp();
    this.#relays.clear();
    return Promise.resolve();
  }

  /** The relay that saw the upload from its first byte on; undefined where there is none. */
  async #relay({ upstream, repository, call }: Ask, id: string): Promise<UploadRelay | undefined> {
    if (!writesThrough(upstream)) return undefined;
    const known = this.#relays.get(id);
    if (known) return known;
    const state = await this.#parts.store.readUpload(repository, id, call);
    if (state?.size !== 0) return undefined;
    const there = upstream.repository(repository.path, "write", call);
    const made = new UploadRelay(there, () => this.#relays.delete(id));
    this.#relays.set(id, made);
    return made;
  }

  /** The store has it: the upstream is to have it too. */
  async #complete(ask: Ask, digest: Digest, relay: UploadRelay | undefined): Promise<void> {
    if (relay && algorithmOf(digest) === "sha256") {
      const written = await relay.finish();
      if (written?.digest === digest) return ask.upstream.answered();
    }
    relay?.giveUp();
    await this.sendHeld(ask, digest);
  }

  async #mount(ask: Ask, start: Extract<UploadStart, { type: "mount" }>): Promise<boolean> {
    const { upstream, repository, call } = ask;
    const { digest, from } = start;
    if (from && writesThrough(upstream) && from.upstream === repository.upstream) {
      if (await this.#mountThere(ask, digest, from.path)) {
        await this.#mountHere(ask, start); // what is here of it already need not be fetched again
        return true;
      }
    }
    if (await this.#mountHere(ask, start)) {
      if (writesThrough(upstream)) await this.sendHeld(ask, digest);
      return true;
    }
    if (from) return false;
    return (await this.#parts.blobs.stat({ upstream, repository, digest, call })) !== undefined;
  }

  async #mountThere({ upstream, repository, call }: Ask, digest: Digest, from: string) {
    const blob = { mediaType: "application/octet-stream", digest, size: -1 };
    try {
      await using there = upstream.repository(repository.path, "write", call);
      return (await there.adoptBlob(blob, [from], call)) !== false;
    } catch (error) {
      if (isRefusal(error)) return false;
      upstream.failed(error);
      throw upstreamAnswer(error, upstream.name);
    }
  }

  async #mountHere({ repository, call }: Ask, start: UploadStart): Promise<boolean> {
    const { store } = this.#parts;
    const begun = await store.beginUpload(repository, start, call);
    if (begun.type === "mounted") return true;
    await store.cancelUpload(repository, begun.upload.id, call);
    return false;
  }
}

/** Whether what is pushed must be at the upstream before it is acknowledged. */
export function writesThrough({ settings }: Upstream): boolean {
  return settings.push === "write-through";
}

/** @throws {RegistryAnswerError} 405 where nothing may be pushed to this upstream */
export function refusePush(upstream: Upstream): void {
  if (upstream.settings.push !== "refuse") return;
  throw new RegistryAnswerError("UNSUPPORTED", `nothing is pushed to ${upstream.name} here`, {
    status: 405,
    hint: "Set push for this upstream, or push to a repository of this server's own",
  });
}
