import type { SigstoreSignature } from "../../../sigstore/cosign/attachment.ts";
import { withoutPassword } from "../../../sigstore/lookaside/layout.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { SignatureStore } from "../../../sigstore/store.ts";
import type { Endpoint } from "../../config/endpoints.ts";
import { repositoryName } from "../../core/docker-reference.ts";
import type { Repository } from "../../registry/repository.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { SignaturePlace } from "../contract/places.ts";
import { readAttachments, writeAttachments } from "./attachments.ts";
import type { RepositoryPlaces } from "./signatures.ts";

/**
 * Every place that the signatures of a repository are kept in, those that count first: for each kind of signature, new
 * ones go to the first that takes it.
 *
 * @param urls more look-asides, to read from and to write to
 */
export async function listSignaturePlaces(
  { reference }: Endpoint,
  repository: Repository,
  places: RepositoryPlaces,
  options: CallOptions & { readonly urls: readonly string[] },
): Promise<readonly SignaturePlace[]> {
  const name = repositoryName(reference);
  const lookaside = (where: string, store: SignatureStore, writer: SignatureStore = store) =>
    lookasidePlace(name, where, store, writer);
  return [
    ...((await repository.hasSignaturesApi(options)) ? [apiPlace(repository)] : []),
    lookaside(places.where, places.read, places.write),
    ...(places.attachments ? [attachmentsPlace(repository)] : []),
    ...places.more.map(({ where, store }) => lookaside(where, store)),
    ...options.urls.map((url) => lookaside(url, places.open(url))),
  ];
}

function lookasidePlace(
  repository: string,
  where: string,
  store: SignatureStore,
  writer: SignatureStore,
): SignaturePlace {
  const subject = (manifestDigest: Parameters<SignaturePlace["read"]>[0]) => ({
    repository,
    manifestDigest,
  });
  return {
    kind: "lookaside",
    where: withoutPassword(where),
    formats: ["simple-signing"],
    read: (manifest, call) => store.read(subject(manifest), call),
    append: (manifest, signatures, call) => writer.append(subject(manifest), signatures, call),
    remove: (manifest, index, call) => writer.remove(subject(manifest), index, call),
  };
}

function apiPlace(repository: Repository): SignaturePlace {
  return {
    kind: "api",
    where: repository.name,
    formats: ["simple-signing"],
    async read(manifest, call) {
      const kept = await repository.readKeptSignatures(manifest, call);
      return kept.map((bytes) => ({ format: "simple-signing", bytes }));
    },
    append: (manifest, signatures, call) =>
      repository.keepSignatures(manifest, signatures.flatMap(bytesOf), call),
  };
}

function bytesOf(signature: UntrustedSignature): Uint8Array[] {
  return signature.format === "simple-signing" ? [signature.bytes] : [];
}

function attachmentsPlace(repository: Repository): SignaturePlace {
  const isSigstore = (signature: UntrustedSignature): signature is SigstoreSignature =>
    signature.format === "sigstore";
  return {
    kind: "attachments",
    where: `${repository.name}:*.sig`,
    formats: ["sigstore"],
    read: (manifest, call) => readAttachments(repository, manifest, call),
    append: (manifest, signatures, call) =>
      writeAttachments(repository, manifest, signatures.filter(isSigstore), call),
  };
}
