import type { Gate } from "../../../policy/gate.ts";
import { isAttachment } from "../../core/attachment.ts";
import type { Digest } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import { manifestDigest } from "../../core/manifest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";

/**
 * The gate for what goes along with an image that was let in: what nobody can run goes with it unasked, since it is needed
 * to judge the image; all else is asked about as any image is.
 *
 * @param source where it is read from, once that is open
 * @param tag by which it is known
 */
export function companionGate(
  gate: Gate,
  source: () => ImageSource | undefined,
  tag: string | undefined,
  call: CallOptions,
): Gate {
  return {
    verdict: (subject) => gate.verdict(subject),
    async admit(subject) {
      const opened = source();
      if (opened && (await isDocument(opened, subject.manifestDigest, tag, call))) return;
      await gate.admit(subject);
    },
  };
}

async function isDocument(
  source: ImageSource,
  digest: Digest,
  tag: string | undefined,
  call: CallOptions,
): Promise<boolean> {
  const top = await source.readManifest("top", call);
  const isTop = [top.digest, manifestDigest(top.bytes)].includes(digest);
  const manifest = isTop ? top : await source.readManifest(digest, call);
  if (manifest.mediaType !== mediaTypes.ociManifest) return false;
  return await isAttachment(parseImageManifest(manifest), tag, async (blob, maxBytes) => {
    const descriptor = { mediaType: "application/octet-stream", digest: blob, size: -1 };
    await using stream = await source.openBlob(descriptor, call);
    try {
      return await readBounded(stream, maxBytes, `reading blob ${blob}`);
    } catch (error) {
      if (error instanceof ContentError && error.code === "content.too-large") return undefined;
      throw error;
    }
  });
}
