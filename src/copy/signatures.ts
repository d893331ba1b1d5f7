import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Digest } from "../core/digest.ts";
import { CopyError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { parseIndexManifest } from "../core/index-manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import type { CallOptions } from "../transport/contract/call-options.ts";
import type { SignaturePlace } from "../transport/contract/places.ts";
import type { CopyEnd } from "./copy.ts";

/** The signatures of one manifest in one place. */
export interface ListedSignatures {
  readonly manifest: Digest;
  readonly place: SignaturePlace;
  readonly signatures: readonly UntrustedSignature[];
}

/** What came of a transfer, for one manifest: how many signatures there were to bring. */
export interface BroughtSignatures {
  readonly manifest: Digest;
  readonly signatures: number;
  readonly where: readonly string[];
}

/** Which signatures are meant. */
export interface SignatureSelection extends CallOptions {
  /** Of an index, those of its instances too. */
  readonly all: boolean;
  /** More look-asides, by URL. */
  readonly urls?: readonly string[];
}

/** Tells whether a place is meant. */
export type ChoosePlace = (place: SignaturePlace) => boolean;

const anyPlace: ChoosePlace = () => true;

/**
 * The signatures of an image, place by place. Nothing is verified.
 *
 * @throws {CopyError} `copy.unsupported` for a transport that keeps none
 */
export async function listSignatures(
  image: CopyEnd,
  selection: SignatureSelection,
  choose: ChoosePlace = anyPlace,
): Promise<readonly ListedSignatures[]> {
  const places = (await placesOf(image, "read", selection)).filter(choose);
  const listed: ListedSignatures[] = [];
  for (const manifest of await manifestsOf(image, selection)) {
    for (const place of places) {
      const signatures = await place.read(manifest, selection);
      if (signatures.length > 0) listed.push({ manifest, place, signatures });
    }
  }
  return listed;
}

/**
 * Brings the signatures of an image to where another keeps its own, without the image. What is there stays, and nothing
 * comes twice.
 *
 * @param choose.from of which places; all by default
 * @param choose.to to which; by default the first that takes the kind of signature
 * @throws {CopyError} `copy.signatures-would-be-lost` before anything is written, where one has no place to go
 */
export async function copySignatures(
  from: CopyEnd,
  to: CopyEnd,
  selection: SignatureSelection,
  choose: { readonly from?: ChoosePlace; readonly to?: ChoosePlace } = {},
): Promise<readonly BroughtSignatures[]> {
  const listed = await listSignatures(from, selection, choose.from);
  const places = (await placesOf(to, "write", selection)).filter(choose.to ?? anyPlace);
  const placed = listed.flatMap(({ manifest, place, signatures }) =>
    signatures.map((signature) => ({
      manifest,
      signature,
      place: placeFor(signature, places, to, place),
    })),
  );
  const brought: BroughtSignatures[] = [];
  for (const [manifest, ofManifest] of Map.groupBy(placed, (each) => each.manifest)) {
    const byPlace = Map.groupBy(ofManifest, ({ place }) => place);
    for (const [place, each] of byPlace) {
      await place.append(
        manifest,
        each.map(({ signature }) => signature),
        selection,
      );
    }
    const where = [...byPlace.keys()].map((place) => place.where);
    brought.push({ manifest, signatures: ofManifest.length, where });
  }
  return brought;
}

/** The first place that takes this kind of signature; a look-aside has what another one had, where nothing else takes it. */
function placeFor(
  { format }: UntrustedSignature,
  places: readonly SignaturePlace[],
  to: CopyEnd,
  source: SignaturePlace,
): SignaturePlace {
  const found =
    places.find(({ formats }) => formats.includes(format)) ??
    places.find(({ kind }) => kind === "lookaside" && source.kind === "lookaside");
  if (found) return found;
  const name = formatImageReference(to.reference);
  throw new CopyError(
    "copy.signatures-would-be-lost",
    `Can not copy signatures to ${name}: no place there takes those of the kind ${JSON.stringify(format)} that ${source.where} has`,
    format === "sigstore" && to.reference.transport === "docker"
      ? { hint: "Set use-sigstore-attachments: true for the repository in registries.d" }
      : {},
  );
}

async function placesOf(
  { transport, reference }: CopyEnd,
  access: "read" | "write",
  options: SignatureSelection,
): Promise<readonly SignaturePlace[]> {
  const places = await transport.signaturePlaces?.(reference, access, options);
  if (places) return places;
  throw new CopyError("copy.unsupported", `${transport.name}: images have no signatures`);
}

async function manifestsOf(
  { transport, reference }: CopyEnd,
  { all, signal }: SignatureSelection,
): Promise<readonly Digest[]> {
  await using source = await transport.openSource(reference, { signal });
  const top = await source.readManifest("top", { signal });
  if (!all || !isIndexType(top.mediaType)) return [top.digest];
  const instances = parseIndexManifest(top).instances.map(({ digest }) => digest);
  return [...new Set([top.digest, ...instances])];
}
