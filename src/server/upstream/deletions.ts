import type { Digest } from "../../core/digest.ts";
import { subjectOf } from "../../core/subject.ts";
import type { Repository } from "../../registry/repository.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { ManifestReference } from "../v2/backend.ts";
import type { PushParts } from "./push-parts.ts";
import { isAbsence, upstreamAnswer } from "./upstream-answer.ts";
import type { Upstream } from "./upstream-client.ts";

/** One deletion. */
interface Ask {
  readonly upstream: Upstream;
  readonly repository: ServedRepository;
  readonly call: ServerCall;
}

/**
 * Takes back pushes of a manifest that are still to be passed on; done when neither it nor the blob that is to be deleted is
 * on its way any more.
 */
export type Withdraw = (
  repository: ServedRepository,
  what: ManifestReference | Digest,
) => Promise<void>;

/** Deletes at upstreams and here, where the settings let it; with local-only, here alone. */
export class Deletions {
  readonly #parts: PushParts;
  readonly #withdraw: Withdraw;

  constructor(parts: PushParts, withdraw: Withdraw) {
    this.#parts = parts;
    this.#withdraw = withdraw;
  }

  async manifest(ask: Ask, reference: ManifestReference): Promise<boolean> {
    const { repository, call } = ask;
    const { store, tags } = this.#parts;
    const isThere = passesOn(ask.upstream);
    await this.#withdraw(repository, reference);
    const subject = await this.#subjectOf(ask, reference);
    const text = reference.type === "tag" ? reference.tag : reference.digest;
    const there =
      isThere && (await this.#deleteThere(ask, (from) => from.deleteManifest(text, call)));
    tags.forget(repository);
    const here = await store.deleteManifest(repository, reference, call);
    if (subject) await this.#leaveList(ask, { subject, referrer: text as Digest, there });
    return here || there;
  }

  async blob(ask: Ask, digest: Digest): Promise<boolean> {
    const { repository, call } = ask;
    const { store, blobs } = this.#parts;
    const isThere = passesOn(ask.upstream);
    await this.#withdraw(repository, digest);
    const there =
      isThere && (await this.#deleteThere(ask, (from) => from.deleteBlob(digest, call)));
    const here = await store.deleteBlob(repository, digest, call);
    if (isThere) blobs.knowAbsent(repository, digest);
    return here || there;
  }

  /** Of a manifest that is held here and goes with all its tags. */
  async #subjectOf(
    { repository, call }: Ask,
    reference: ManifestReference,
  ): Promise<Digest | undefined> {
    if (reference.type === "tag") return undefined;
    const held = await this.#parts.store.readManifest(repository, reference, call);
    return held && subjectOf(held);
  }

  /** Where the upstream lists referrers under a tag it is whoever deletes one that changes the list. */
  async #leaveList(
    { upstream, repository, call }: Ask,
    { subject, referrer, there }: { subject: Digest; referrer: Digest; there: boolean },
  ): Promise<void> {
    this.#parts.referrers.forget(repository, subject);
    if (!there) return;
    try {
      await using from = upstream.repository(repository.path, "write", call);
      await from.removeReferrer(subject, referrer, call);
    } catch (error) {
      upstream.failed(error); // it is deleted: an entry that leads nowhere is no reason to say that it is not
    }
  }

  async #deleteThere(
    { upstream, repository, call }: Ask,
    remove: (from: Repository) => Promise<void>,
  ): Promise<boolean> {
    try {
      await remove(upstream.repository(repository.path, "delete", call));
      upstream.answered();
      return true;
    } catch (error) {
      if (isAbsence(error)) return false;
      upstream.failed(error);
      throw upstreamAnswer(error, upstream.name);
    }
  }
}

/**
 * Whether a deletion is to be the upstream's as well.
 *
 * @throws {RegistryAnswerError} 405 where its settings let nothing be deleted there
 */
function passesOn({ name, settings }: Upstream): boolean {
  if (settings.push === "local-only") return false;
  if (settings.deletes) return true;
  throw new RegistryAnswerError("UNSUPPORTED", `nothing is deleted at ${name} here`, {
    status: 405,
  });
}
