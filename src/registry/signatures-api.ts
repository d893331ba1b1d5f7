import { randomBytes } from "node:crypto";
import type { Digest } from "../core/digest.ts";
import { ContentError } from "../core/errors.ts";
import { goBytes, goInt, goText } from "../core/go-scalars.ts";
import { always, goList, goStruct } from "../core/go-struct.ts";
import { Reading } from "../core/go-type.ts";
import { parseJsonText } from "../core/json-text.ts";
import { decodeUtf8 } from "../core/utf8.ts";
import { RegistryError } from "./errors.ts";
import { fetchDocument } from "./fetch-document.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";

// The API extension that a registry announces by `X-Registry-Supports-Signatures: 1` at /v2/ — `specs/signing.md` 3.3.
//
// GET /extensions/v2/<repository>/signatures/<digest> -> {"signatures": [{"schemaVersion": 2, "name": "<digest>@<unique>",
// "type": "atomic", "content": "<base64>"}]};  PUT there adds one such object, and is answered with 201.

const maxListBytes = 4 * 1024 * 1024;
const schemaVersion = 2;
const atomic = "atomic";

const signatureType = goStruct("docker.extensionSignature", {
  schemaVersion: always(goInt),
  name: always(goText),
  type: always(goText),
  content: always(goBytes),
});

const listType = goStruct("docker.extensionSignatureList", {
  signatures: always(goList(signatureType)),
});

/** What the registry keeps for one manifest. */
export interface KeptSignatures {
  /** OpenPGP messages, in order; what is of another kind is left out. */
  readonly contents: readonly Uint8Array[];
  /** The names in use, of every kind. */
  readonly names: ReadonlySet<string>;
}

function targetOf({ path }: RepositoryState, manifest: Digest): string {
  return `/extensions/v2/${path}/signatures/${manifest}`;
}

/**
 * The signatures of a manifest, which need not be there. No list is a failure, as for every client of this API.
 *
 * @throws {RegistryError}
 * @throws {ContentError} `content.too-large`
 */
export async function readKeptSignatures(
  state: RepositoryState,
  manifest: Digest,
  signal: AbortSignal,
): Promise<KeptSignatures> {
  const { reply, bytes } = await fetchDocument(state, {
    target: targetOf(state, manifest),
    maxBytes: maxListBytes,
    signal,
  });
  if (!bytes || reply.status !== 200) {
    throw await reply.toError(`downloading signatures for ${manifest} in ${state.name}`);
  }
  const entries = parseList(bytes);
  const kept = entries.filter(
    (entry) => entry.schemaVersion === BigInt(schemaVersion) && entry.type === atomic,
  );
  return {
    contents: kept.map(({ content }) => Buffer.from(content ?? "", "base64")),
    names: new Set(entries.map(({ name }) => name)),
  };
}

function parseList(bytes: Uint8Array) {
  try {
    const reading = new Reading();
    const list = listType.read(
      parseJsonText(decodeUtf8(bytes), { maxDepth: 100 }),
      listType.zero,
      reading,
    );
    if (reading.failure === undefined) return list.signatures ?? [];
    throw new ContentError("content.bad-json", reading.failure);
  } catch (cause) {
    if (!(cause instanceof ContentError)) throw cause;
    throw new RegistryError("registry.bad-response", `decoding signature list: ${cause.message}`, {
      cause,
    });
  }
}

/**
 * Adds the OpenPGP messages that are not there yet, byte for byte.
 *
 * @throws {RegistryError}
 */
export async function keepSignatures(
  state: RepositoryState,
  manifest: Digest,
  contents: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<void> {
  if (contents.length === 0) return;
  const { contents: held, names } = await readKeptSignatures(state, manifest, signal);
  const seen = new Set(held.map(base64));
  for (const content of contents.map(base64)) {
    if (seen.has(content)) continue;
    seen.add(content);
    await putSignature(state, manifest, { name: newName(manifest, names), content }, signal);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function newName(manifest: Digest, taken: ReadonlySet<string>): string {
  for (;;) {
    const name = `${manifest}@${randomBytes(16).toString("hex")}`;
    if (!taken.has(name)) return name;
  }
}

async function putSignature(
  state: RepositoryState,
  manifest: Digest,
  { name, content }: { readonly name: string; readonly content: string },
  signal: AbortSignal,
): Promise<void> {
  const target = targetOf(state, manifest);
  const reply = await sendTo(state, {
    method: "PUT",
    target,
    body: Buffer.from(JSON.stringify({ schemaVersion, name, type: atomic, content })),
    lane: "metadata",
    signal,
  });
  if (reply.status === 201) return await reply.discard();
  const { host } = state.channel.options;
  throw await reply.toError(`uploading signature to ${target} in ${host}`);
}
