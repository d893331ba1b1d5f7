import { access } from "node:fs/promises";
import { join } from "node:path";
import { formatEnvelope } from "../../../sigstore/envelope.ts";
import { SignatureFolder } from "../../../sigstore/lookaside/signature-folder.ts";
import type { Digest } from "../../core/digest.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { SignaturePlace } from "../contract/places.ts";
import { instanceFile, signatureFile } from "./file-names.ts";
import { DirSource } from "./source.ts";

/** The signatures beside the image in a dir: folder, which stays as it is otherwise. */
export function signaturePlace(reference: ImageReference): SignaturePlace {
  const source = new DirSource(reference, reference.typed ?? reference.text);
  const filesOf = async (manifest: Digest, call: CallOptions) => {
    const top = await source.readManifest("top", call);
    const instance = manifest === top.digest ? undefined : manifest;
    if (instance) await mustHold(reference, instance);
    return new SignatureFolder(reference.text, (number) => signatureFile(number, instance));
  };
  return {
    kind: "folder",
    where: formatImageReference(reference),
    formats: ["simple-signing", "sigstore"],
    read: (manifest, call) => source.readSignatures(manifest, call),
    async append(manifest, signatures, call) {
      const files = await filesOf(manifest, call);
      for (const signature of signatures) {
        if ((await files.add(formatEnvelope(signature))) === "full") throw noRoom(reference);
      }
    },
    async remove(manifest, index, call) {
      await (await filesOf(manifest, call)).remove(index + 1);
    },
  };
}

/** Signatures of an image that is not there would be read by nobody, and go over to the next that is written. */
async function mustHold(reference: ImageReference, instance: Digest): Promise<void> {
  try {
    await access(join(reference.text, instanceFile(instance)));
  } catch (cause) {
    throw new TransportError(
      "transport.image-not-found",
      `${formatImageReference(reference)} does not hold ${instance}`,
      { cause, reference },
    );
  }
}

function noRoom(reference: ImageReference): TransportError {
  return new TransportError(
    "transport.unsupported",
    `Cannot store a signature in ${formatImageReference(reference)}: nobody reads more than are there`,
    { reference },
  );
}
