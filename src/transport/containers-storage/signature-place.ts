import { isDeepStrictEqual } from "node:util";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Digest } from "../../core/digest.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { Store } from "../../storage/store.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { SignaturePlace } from "../contract/places.ts";
import {
  allStoredSignatures,
  ownManifest,
  readStoredSignatures,
  storeSignatures,
} from "./signature-data.ts";

/** Finds the image that is meant, in its store. */
export type OpenImage = (
  access: "read" | "write",
  call: CallOptions,
) => Promise<{ readonly store: Store; readonly image: ImageRecord }>;

type Change = (known: readonly UntrustedSignature[]) => readonly UntrustedSignature[];

/** The signatures that a store keeps with an image, which stays as it is otherwise. */
export function signaturePlace(reference: ImageReference, open: OpenImage): SignaturePlace {
  const change = async (manifest: Digest, call: CallOptions, edit: Change) => {
    const { store, image } = await open("write", call);
    if (!image.digests.includes(manifest)) throw notHeld(reference, manifest);
    const all = new Map(await allStoredSignatures(store, image));
    all.set(manifest, edit(all.get(manifest) ?? []));
    await putSignatures(store, image, all);
  };
  return {
    kind: "folder",
    where: formatImageReference(reference),
    formats: ["simple-signing", "sigstore"],
    async read(manifest, call) {
      const { store, image } = await open("read", call);
      return await readStoredSignatures(store, image, manifest);
    },
    append: (manifest, signatures, call) =>
      change(manifest, call, (known) => mergeSignatures(known, signatures)),
    remove: (manifest, index, call) =>
      change(manifest, call, (known) => known.filter((_, at) => at !== index)),
  };
}

/** Those that are there, then those that are not there yet. */
export function mergeSignatures(
  known: readonly UntrustedSignature[],
  more: readonly UntrustedSignature[],
): readonly UntrustedSignature[] {
  const isNew = (signature: UntrustedSignature) =>
    known.every((each) => !isDeepStrictEqual(each, signature));
  return [...known, ...more.filter(isNew)];
}

/** Gives an image of the store, not of an additional one, these signatures instead of those that it had. */
export async function putSignatures(
  store: Store,
  image: ImageRecord,
  signatures: ReadonlyMap<Digest, readonly UntrustedSignature[]>,
): Promise<void> {
  const { id, topLayer, area } = image;
  const digest = ownManifest(image);
  if (area.readOnly || digest === undefined) {
    const why = "the signatures of this image cannot be changed: its store is only read";
    throw new TransportError("transport.unsupported", why);
  }
  const { data, metadata } = storeSignatures(signatures, digest);
  await store.putImage({ id, topLayer, names: [], data, digest, metadata });
}

function notHeld(reference: ImageReference, manifest: Digest): TransportError {
  return new TransportError(
    "transport.image-not-found",
    `${formatImageReference(reference)} does not hold ${manifest}`,
    { reference },
  );
}
