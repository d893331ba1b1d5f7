import * as z from "zod";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";

// POST /sign to the signer's socket, one JSON object each way. The signer believes nothing of it but what it can check:
// manifests by their digests, signatures by their keys, a password by its file.

/** The most that a request may take: a manifest of 4 MiB, an index's own, and signatures. */
export const maxRequestBytes = 24 * 1024 * 1024;

/** As many as all digests of one push may have: 500 of 127; it is the bytes that are short. */
const maxSignatures = 500 * 127;

const bytes = z.base64();

const signature = z.discriminatedUnion("format", [
  z.strictObject({ format: z.literal("simple-signing"), bytes }),
  z.strictObject({
    format: z.literal("sigstore"),
    mediaType: z.string(),
    payload: bytes,
    annotations: z.record(z.string(), z.string()),
  }),
]);

const ofManifest = z.strictObject({ manifest: z.string(), signature });

/** What is to be signed. */
export const signRequest = z.strictObject({
  version: z.literal(1),
  why: z.enum(["push", "bridge"]),
  domain: z.string().max(255),
  path: z.string().max(255),
  tags: z.array(z.string().max(128)).min(1).max(100),
  /** Of the keys that the rules name only these; all without it. */
  keys: z.array(z.string().max(128)).min(1).max(100).optional(),
  /** The one that is tagged first; then indexes that it names, as far as there are any. */
  manifests: z.array(bytes).min(1).max(64),
  user: z.string().max(256).optional(),
  /** The Authorization header of whoever pushes, for rules that want a password. */
  authorization: z.string().max(4096).optional(),
  /** Those that stand: looked at as proof, and so that none is made twice. */
  signatures: z.array(ofManifest).max(maxSignatures).default([]),
  bundles: z
    .array(z.strictObject({ manifest: z.string(), bundle: bytes }))
    .max(maxSignatures)
    .default([]),
});

/** As parsed. */
export type SignRequest = z.output<typeof signRequest>;

/** What was signed; nothing for what had been before. */
export const signAnswer = z.strictObject({
  signatures: z.array(z.strictObject({ manifest: z.string(), keyId: z.string(), signature })),
});

/** As parsed. */
export type SignAnswer = z.output<typeof signAnswer>;

/** Why nothing was. */
export const signRefusal = z.strictObject({ refused: z.string().max(2000) });

/** A signature for a message. */
export function encodeSignature(untrusted: UntrustedSignature): z.output<typeof signature> {
  if (untrusted.format === "simple-signing") {
    return { format: "simple-signing", bytes: base64(untrusted.bytes) };
  }
  const { mediaType, payload, annotations } = untrusted;
  return {
    format: "sigstore",
    mediaType,
    payload: base64(payload),
    annotations: { ...annotations },
  };
}

/** The reverse of {@link encodeSignature}. */
export function decodeSignature(message: z.output<typeof signature>): UntrustedSignature {
  if (message.format === "simple-signing") {
    return { format: "simple-signing", bytes: Buffer.from(message.bytes, "base64") };
  }
  return { ...message, payload: Buffer.from(message.payload, "base64") };
}

/** Bytes for a message. */
export function base64(content: Uint8Array): string {
  return Buffer.from(content).toString("base64");
}
