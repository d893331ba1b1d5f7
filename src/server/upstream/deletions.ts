import type { Digest } from "../../core/digest.ts";
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
    const { upstream, repository, call } = ask;
    const isLocal = upstream.settings.push === "local-only";
    if (!isLocal && !upstream.settings.deletes) throw refusal(upstream);
    await this.#withdraw(repository, reference);
    const there = isLocal ? false : await this.#deleteThere(ask, reference);
    this.#parts.tags.forget(repository);
    const here = await this.#parts.store.deleteManifest(repository, reference, call);
    return here || there;
  }

  /** Of blobs an upstream's are its own to clear away. */
  async blob({ upstream, repository, call }: Ask, digest: Digest): Promise<boolean> {
    if (upstream.settings.push !== "local-only") throw refusal(upstream);
    return await this.#parts.store.deleteBlob(repository, digest, call);
  }

  async #deleteThere(
    { upstream, repository, call }: Ask,
    reference: ManifestReference,
  ): Promise<boolean> {
    try {
      const there = upstream.repository(repository.path, "delete", call);
      const text = reference.type === "tag" ? reference.tag : reference.digest;
      await there.deleteManifest(text, { signal: call.signal });
      upstream.answered();
      return true;
    } catch (error) {
      if (isAbsence(error)) return false;
      upstream.failed(error);
      throw upstreamAnswer(error, upstream.name);
    }
  }
}

function refusal(upstream: Upstream): RegistryAnswerError {
  return new RegistryAnswerError("UNSUPPORTED", `nothing is deleted at ${upstream.name} here`, {
    status: 405,
  });
}
