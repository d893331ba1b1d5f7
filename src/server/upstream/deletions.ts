import type { Digest } from "../../core/digest.ts";
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

/** Takes back a push that is still to be passed on; done when none of them is under way any more. */
export type Withdraw = (
  repository: ServedRepository,
  reference: ManifestReference,
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
    const isThere = passesOn(ask.upstream);
    await this.#withdraw(repository, reference);
    const text = reference.type === "tag" ? reference.tag : reference.digest;
    const there =
      isThere && (await this.#deleteThere(ask, (from) => from.deleteManifest(text, call)));
    this.#parts.tags.forget(repository);
    const here = await this.#parts.store.deleteManifest(repository, reference, call);
    return here || there;
  }

  async blob(ask: Ask, digest: Digest): Promise<boolean> {
    const { repository, call } = ask;
    const there =
      passesOn(ask.upstream) &&
      (await this.#deleteThere(ask, (from) => from.deleteBlob(digest, call)));
    const here = await this.#parts.store.deleteBlob(repository, digest, call);
    return here || there;
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
