import type { Digest } from "../../core/digest.ts";
import { type DockerReference, formatDockerReference, isTag } from "../../core/docker-reference.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import { TransportError } from "../contract/errors.ts";
import type { OpenDestinationOptions } from "../contract/transport.ts";

/** What is wished for where another image has the name. */
export type NameTakingOptions = Pick<OpenDestinationOptions, "onlyIfFree" | "keepReplaced">;

/** What becomes of the image whose name a new one gets: it keeps it, has another one, or has none of it. */
export class NameTaking {
  readonly #reference: ImageReference;
  readonly #docker: DockerReference | undefined;
  readonly #options: NameTakingOptions;
  #kept: { readonly tag: string; readonly digest: Digest } | undefined;

  constructor(
    reference: ImageReference,
    docker: DockerReference | undefined,
    options: NameTakingOptions,
  ) {
    this.#reference = reference;
    this.#docker = docker;
    this.#options = options;
  }

  /**
   * @returns the other name that the holder gets
   * @throws {TransportError} `transport.taken`, `transport.not-kept`
   */
  from({ id, digest = `sha256:${id}` as Digest }: ImageRecord): string | undefined {
    const { onlyIfFree = false, keepReplaced: keep } = this.#options;
    if (onlyIfFree) throw this.#refusal("transport.taken", "was given to another image meanwhile");
    if (!keep || this.#docker?.tag === undefined) return undefined;
    const tag = keep.nameOf(digest);
    if (!isTag(tag)) throw this.#refusal("transport.not-kept", `cannot be kept as ${tag}`);
    this.#kept = { tag, digest };
    return formatDockerReference({ ...this.#docker, tag });
  }

  /** Once the store has it so. */
  tell(): void {
    if (this.#kept) this.#options.keepReplaced?.kept(this.#kept.tag, this.#kept.digest);
  }

  #refusal(code: "transport.taken" | "transport.not-kept", why: string): TransportError {
    const message = `${formatImageReference(this.#reference)} ${why}, and is left to it`;
    return new TransportError(code, message, { reference: this.#reference });
  }
}
