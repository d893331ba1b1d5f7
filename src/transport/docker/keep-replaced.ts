import type { Digest } from "../../core/digest.ts";
import { isTag } from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";
import { RegistryError } from "../../registry/errors.ts";
import type { Instead } from "../../registry/manifests.ts";
import type { Repository } from "../../registry/repository.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { KeepReplaced } from "../contract/transport.ts";
import { fetchManifest, verifiedManifest } from "./source.ts";
import { unlessNotFound } from "./unless-not-found.ts";

/** A tag about to be given to another image. */
export interface Replacing {
  readonly repository: Repository;
  readonly tag: string;
  /** The image that it is given to. */
  readonly next: Digest;
}

/** How often somebody else may be faster, where the registry tells. */
const attempts = 3;

/**
 * Writes a tag by `put`, once what it stands for has its other tag: by the bytes of its manifest, since all else of it is in
 * the repository. Registries that heed conditions replace only what was kept.
 *
 * @throws {TransportError} `transport.not-kept`, before anything was put
 */
export async function keepingReplaced(
  replacing: Replacing,
  keep: KeepReplaced,
  put: (instead: Instead) => Promise<void>,
  call: CallOptions,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const replaced = await notKeeping(replacing, () => keepHeld(replacing, keep, call));
    try {
      return await put(replaced ?? "nothing");
    } catch (error) {
      const isChanged = error instanceof RegistryError && error.code === "registry.changed";
      if (!isChanged || attempt === attempts) throw error;
    }
  }
}

/** @returns what the tag stands for, by the digest that the registry calls it */
async function keepHeld(
  { repository, tag, next }: Replacing,
  keep: KeepReplaced,
  call: CallOptions,
): Promise<Digest | undefined> {
  const fetched = await unlessNotFound(fetchManifest(repository, tag, call));
  if (!fetched) return undefined;
  const held = verifiedManifest(fetched);
  const { digestHeader = held.digest } = fetched;
  if (held.digest === next) return digestHeader;
  const other = keep.nameOf(held.digest);
  if (!isTag(other)) throw new TransportError("transport.unsupported", `${other} is no tag`);
  const there = await repository.headManifest(other, call);
  const isThere = there.type === "held" && there.digest === held.digest;
  if (!isThere) await repository.writeManifest(other, held, call);
  keep.kept(other, held.digest);
  return digestHeader;
}

async function notKeeping<T>({ repository, tag }: Replacing, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const name = `${repository.host}/${repository.name}:${tag}`;
    throw new TransportError(
      "transport.not-kept",
      `Cannot keep what ${name} stands for, so it is not replaced: ${error.message}`,
      { cause: error, retryable: error.retryable },
    );
  }
}
