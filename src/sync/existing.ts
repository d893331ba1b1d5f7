import type { CopyOptions } from "../copy/options.ts";
import { KnownError } from "../core/errors.ts";
import { parseImageManifest } from "../core/image-manifest.ts";
import { formatImageReference, type ImageReference } from "../core/image-reference.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isImageManifestType } from "../core/media-type.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import { isAbsence } from "./absence.ts";
import type { FoundImage } from "./ends.ts";
import { SyncError } from "./errors.ts";
import type { ExistingRule, NameRule } from "./mirror.ts";
import type { LookAtExisting } from "./parts.ts";
import { namePlace } from "./place.ts";

/** Makes of rules what tells whether any of them takes a name. */
export type CompileNames = (rules: readonly NameRule[]) => Promise<(name: string) => boolean>;

/**
 * What each of {@link ExistingRule} comes to: "update" asks nothing; "if-absent" looks first, by one HEAD; "immutable" is
 * asked when there is something to write. For both the name must be free, or this image's, when it is given.
 */
export function createLookAtExisting(compile: CompileNames): LookAtExisting {
  const compiled = new WeakMap<ExistingRule, ReturnType<CompileNames>>();
  const takes = (rule: Extract<ExistingRule, { kind: "immutable" }>) => {
    const known = compiled.get(rule) ?? compile(rule.tags);
    compiled.set(rule, known);
    return known;
  };
  return async (rule, image, call) => {
    if (rule.kind === "update") return { type: "go-on" };
    if (rule.kind === "if-absent") {
      if (await isTaken(image, call)) return { type: "left", why: "if-absent" };
      return { type: "go-on", onlyIfFree: "known", raced: "if-absent" };
    }
    const { reference } = image.to;
    const isMeant = (await takes(rule))(namePlace(reference)?.name ?? "");
    if (!isMeant) return { type: "go-on" };
    return {
      type: "go-on",
      onlyIfFree: "to-be-seen",
      raced: immutable(reference),
      mayReplace: (held, source) => {
        if (held && held.digest !== source.digest && isKept(source, image, call.copy)) {
          throw immutable(reference);
        }
      },
    };
  };
}

/**
 * Whether it is plain that a copy leaves the manifest as it is, so that nothing needs to be moved to see that it differs.
 * Layers may be compressed on the way, and lists give one of their images: then it is seen in the end.
 */
function isKept(source: RawManifest, { to }: FoundImage, copy: CopyOptions): boolean {
  if (to.transport.name !== "docker" || !isImageManifestType(source.mediaType)) return false;
  if (copy.manifestType !== undefined || copy.compression.format !== undefined) return false;
  const { layers } = parseImageManifest(source);
  return copy.preserveDigests || layers.every(({ mediaType }) => /gzip$|zstd$/.test(mediaType));
}

/** Whether the destination has the name: for certain, since what is not known to be there would be written over. */
async function isTaken({ to }: FoundImage, call: CallOptions): Promise<boolean> {
  const { transport, reference } = to;
  if (transport.isTaken) return await transport.isTaken(reference, call);
  if (await transport.digestOf?.(reference, "destination", call)) return true;
  try {
    await using source = await transport.openSource(reference, call);
    await source.readManifest("top", call);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

function immutable(reference: ImageReference): SyncError {
  return new SyncError(
    "sync.immutable",
    `${formatImageReference(reference)} must not move, and stands for another image than the source's`,
    { hint: "Give the image another tag, or take this one out of the rule's immutable tags" },
  );
}

/** Whether a failure says that the name was free when it was looked at, and is no more. */
export function isRaced(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof KnownError && each.code === "transport.taken") return true;
  }
  return false;
}
