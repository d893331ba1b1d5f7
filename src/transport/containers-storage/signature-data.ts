import { formatEnvelope, parseEnvelope } from "../../../sigstore/envelope.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { type Digest, hexOf, isDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { goInt } from "../../core/go-scalars.ts";
import { type GoValue, goList, goMapOf, goStruct, omitEmpty } from "../../core/go-struct.ts";
import { readAs } from "../../core/go-type.ts";
import { parseJsonText } from "../../core/json-text.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { Store } from "../../storage/store.ts";
import { TransportError } from "../contract/errors.ts";

/** What an image's record says of its signatures: how long each is in its item of the image's data — spec 11.3. */
const imageMetadata = goStruct("storage.storageImageMetadata", {
  "signature-sizes": omitEmpty(goList(goInt)),
  "signatures-sizes": omitEmpty(goMapOf(goList(goInt))),
});

type Sizes = GoValue<typeof imageMetadata>;

/** The item that has the signatures of the image's own manifest. */
const ownKey = "signatures";

/** The digest of an image's own manifest. */
export function ownManifest({ dataDigests, digest }: ImageRecord): Digest | undefined {
  return dataDigests.get("manifest") ?? digest;
}

function keyOf(manifest: Digest): string {
  return `signature-${hexOf(manifest)}`;
}

/**
 * The signatures that an image has for one of its manifests.
 *
 * @throws {TransportError} `transport.unreadable` where its record and its data do not agree
 */
export async function readStoredSignatures(
  store: Store,
  image: ImageRecord,
  manifest: Digest,
): Promise<readonly UntrustedSignature[]> {
  const sizes = sizesOf(image);
  const ofManifest = sizes["signatures-sizes"]?.get(manifest);
  if (ofManifest && ofManifest.length > 0) {
    return await cut(store, image, keyOf(manifest), ofManifest);
  }
  const own = ownManifest(image);
  if (manifest !== own) return [];
  return await cut(store, image, ownKey, sizes["signature-sizes"] ?? []);
}

/** Whether {@link readStoredSignatures} would give any. */
export function hasStoredSignatures(image: ImageRecord, manifest: Digest): boolean {
  const sizes = sizesOf(image);
  const own = ownManifest(image);
  const ofManifest = sizes["signatures-sizes"]?.get(manifest)?.length ?? 0;
  return ofManifest > 0 || (manifest === own && (sizes["signature-sizes"]?.length ?? 0) > 0);
}

/** All signatures that an image has, by the manifests they are of. */
export async function allStoredSignatures(
  store: Store,
  image: ImageRecord,
): Promise<ReadonlyMap<Digest, readonly UntrustedSignature[]>> {
  const all = new Map<Digest, readonly UntrustedSignature[]>();
  const own = ownManifest(image);
  const named = [...(sizesOf(image)["signatures-sizes"]?.keys() ?? [])].filter(isDigest);
  for (const manifest of new Set([...(own ? [own] : []), ...named])) {
    const signatures = await readStoredSignatures(store, image, manifest);
    if (signatures.length > 0) all.set(manifest, signatures);
  }
  return all;
}

function sizesOf({ metadata }: ImageRecord): Sizes {
  if (metadata === "") return { "signature-sizes": null, "signatures-sizes": null };
  try {
    const json = parseJsonText(metadata, { maxDepth: 100 });
    return readAs(imageMetadata, json, "content.bad-config");
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw unreadable(`decoding metadata for source image: ${error.message}`);
  }
}

async function cut(
  store: Store,
  image: ImageRecord,
  key: string,
  sizes: readonly bigint[],
): Promise<readonly UntrustedSignature[]> {
  if (sizes.length === 0) return [];
  const bytes = (await store.imageData(image, key)) ?? new Uint8Array();
  const signatures: UntrustedSignature[] = [];
  let at = 0;
  for (const size of sizes.map(Number)) {
    if (size < 0 || at + size > bytes.byteLength) throw tooShort(image, key, bytes, at + size);
    signatures.push(parseEnvelope(bytes.subarray(at, at + size)));
    at += size;
  }
  if (at === bytes.byteLength) return signatures;
  throw unreadable(
    `signatures data (${key}) contained ${bytes.byteLength - at} extra bytes at end`,
  );
}

function tooShort(
  image: ImageRecord,
  key: string,
  bytes: Uint8Array,
  least: number,
): TransportError {
  const which = `${goQuote(image.id)} (${key})`;
  return unreadable(
    `looking up signatures data for image ${which}: expected at least ${bytes.byteLength} bytes, only found ${least}`,
  );
}

function unreadable(message: string): TransportError {
  return new TransportError("transport.unreadable", message);
}

/** Signatures as they go into a store: items of an image's data, and what its record says of them. */
export interface StoredSignatures {
  readonly data: ReadonlyMap<string, Uint8Array>;
  readonly metadata: string;
}

/** @param own the image's own manifest: its signatures are kept twice, for tools that know only one place */
export function storeSignatures(
  signatures: ReadonlyMap<Digest, readonly UntrustedSignature[]>,
  own: Digest,
): StoredSignatures {
  const data = new Map<string, Uint8Array>();
  const sizes = new Map<string, bigint[]>();
  for (const [manifest, each] of signatures) {
    if (each.length === 0) continue;
    const envelopes = each.map(formatEnvelope);
    sizes.set(
      manifest,
      envelopes.map(({ byteLength }) => BigInt(byteLength)),
    );
    if (manifest === own) data.set(ownKey, Buffer.concat(envelopes));
    data.set(keyOf(manifest), Buffer.concat(envelopes));
  }
  const metadata = imageMetadata.write({
    "signature-sizes": sizes.get(own) ?? null,
    "signatures-sizes": sizes.size > 0 ? sizes : null,
  });
  return { data, metadata };
}
