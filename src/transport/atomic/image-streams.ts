import { randomBytes } from "node:crypto";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Digest } from "../../core/digest.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { StreamName } from "./location.ts";
import type { OpenShiftClient } from "./openshift-client.ts";

const atomic = "atomic";

/** What a tag of a stream stands for now. */
export interface TagEvent {
  /** `registry:port/namespace/stream@digest`, as the cluster sees its registry. */
  readonly dockerImageReference: string;
  /** The image's name in the cluster: its digest. */
  readonly image: string;
}

/**
 * The newest image of a stream's tag.
 *
 * @throws {TransportError} `transport.image-not-found`
 */
export async function readTagEvent(
  client: OpenShiftClient,
  { namespace, stream, tag }: StreamName,
  call: CallOptions,
): Promise<TagEvent> {
  const answer = await client.send(
    "GET",
    `/oapi/v1/namespaces/${namespace}/imagestreams/${stream}`,
    call,
  );
  const tags = listOf(memberOf(memberOf(answer, "status"), "tags"));
  for (const each of tags.filter((each) => memberOf(each, "tag") === tag)) {
    const [newest] = listOf(memberOf(each, "items"));
    const dockerImageReference = memberOf(newest, "dockerImageReference");
    const image = memberOf(newest, "image");
    if (typeof dockerImageReference === "string" && typeof image === "string") {
      return { dockerImageReference, image };
    }
  }
  throw new TransportError("transport.image-not-found", "No matching tag found");
}

/** The signatures that the cluster keeps with an image, and the names they have there. */
export async function readImageSignatures(
  client: OpenShiftClient,
  { namespace, stream }: StreamName,
  image: string,
  call: CallOptions,
): Promise<{ readonly contents: readonly Uint8Array[]; readonly names: ReadonlySet<string> }> {
  const path = `/oapi/v1/namespaces/${namespace}/imagestreamimages/${stream}@${image}`;
  const answer = await client.send("GET", path, call);
  const entries = listOf(memberOf(memberOf(answer, "image"), "signatures"));
  return {
    contents: entries
      .filter((entry) => memberOf(entry, "type") === atomic)
      .map((entry) => Buffer.from(String(memberOf(entry, "content") ?? ""), "base64")),
    names: new Set(entries.map((entry) => String(memberOf(memberOf(entry, "metadata"), "name")))),
  };
}

/** Adds those that are not there yet, byte for byte. The API only knows adding. */
export async function addImageSignatures(
  client: OpenShiftClient,
  name: StreamName,
  image: Digest,
  signatures: readonly UntrustedSignature[],
  call: CallOptions,
): Promise<void> {
  if (signatures.length === 0) return;
  const { contents, names } = await readImageSignatures(client, name, image, call);
  const seen = new Set(contents.map((content) => Buffer.from(content).toString("base64")));
  for (const signature of signatures) {
    const content = contentOf(signature);
    if (seen.has(content)) continue;
    seen.add(content);
    await client.send("POST", "/oapi/v1/imagesignatures", call, {
      kind: "ImageSignature",
      apiVersion: "v1",
      metadata: { name: newName(image, names) },
      type: atomic,
      content,
    });
  }
}

function contentOf(signature: UntrustedSignature): string {
  if (signature.format === "simple-signing") return Buffer.from(signature.bytes).toString("base64");
  throw new TransportError(
    "transport.unsupported",
    "unsupported, and unrecognized, signature format: sigstore-json",
  );
}

function newName(image: Digest, taken: ReadonlySet<string>): string {
  for (;;) {
    const name = `${image}@${randomBytes(16).toString("hex")}`;
    if (!taken.has(name)) return name;
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
