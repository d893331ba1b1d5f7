import type { Descriptor } from "../../core/descriptor.ts";
import { isDigest } from "../../core/digest.ts";
import { RegistryError } from "../../registry/errors.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import { readAttachments } from "../../transport/docker/attachments.ts";
import { type BundleSource, readBundles } from "../../transport/docker/bundles.ts";
import type { Caller } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { Backend } from "../v2/backend.ts";
import type { SignatureOrigin } from "./origin.ts";

/** Nobody's rights: what is read was asked for by the server itself. */
const server: Caller = { user: undefined, address: "" };

type Call = { readonly signal: AbortSignal };

/** What clients attached to a manifest in a registry of this server: `.sig` tags of cosign, and bundles of cosign 3. */
export function backendOrigin(backend: Backend, repository: ServedRepository): SignatureOrigin {
  const source = sourceOf(backend, repository);
  return {
    where: source.name,
    local: true,
    read: (manifest, call) => readAttachments(source, manifest, call),
    readBundles: (manifest, call) => readBundles(source, manifest, call),
  };
}

function sourceOf(backend: Backend, repository: ServedRepository): BundleSource {
  const name = servedName(repository);
  const as = ({ signal }: Call) => ({ caller: server, signal });
  return {
    name,
    async readManifest(text, call) {
      const reference = isDigest(text)
        ? ({ type: "digest", digest: text } as const)
        : ({ type: "tag", tag: text } as const);
      const held = await backend.readManifest(repository, reference, as(call));
      if (!held) throw notFound(`${name}:${text}`);
      return { bytes: held.bytes, contentType: held.mediaType, digestHeader: held.digest };
    },
    readReferrers: (subject, call) => backend.listReferrers(repository, subject, as(call)),
    async openBlob(blob: Descriptor, call) {
      const open = await backend.openBlob(repository, blob.digest, as(call));
      if (!open) throw notFound(`${name}@${blob.digest}`);
      const read = (start: number) => open.read({ start, end: open.size }, call.signal);
      const release = async () => await open[Symbol.asyncDispose]();
      return new BlobStream(blob, read, { reopens: true, release });
    },
  };
}

function notFound(what: string): RegistryError {
  return new RegistryError("registry.not-found", `${what} is not there`);
}
