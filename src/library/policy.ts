import type { ReadKeyFile } from "../../policy/context.ts";
import { explainVerdict } from "../../policy/explain.ts";
import { createGate, type Gate } from "../../policy/gate.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { acceptAnything } from "../../policy/policy.ts";
import type { Verdict } from "../../policy/verdict.ts";
import { createVerifiers } from "../../sigstore/create-verifiers.ts";
import { noVerifiers } from "../../sigstore/no-verifiers.ts";
import { judgeImage } from "../cli/trust/judge.ts";
import { readFile } from "../config/load-file.ts";
import type { Digest } from "../core/digest.ts";
import type { ImageReference } from "../core/image-reference.ts";
import type { Platform } from "../core/platform.ts";
import type { Place } from "./transports.ts";

/**
 * A gate that holds to a policy in containers-policy.json(5)'s JSON. Key files that it names are opened when an image
 * is judged.
 *
 * @throws {PolicyError} `policy.invalid`
 */
export function gateFromPolicy(json: string | Uint8Array): Gate {
  const bytes = typeof json === "string" ? new TextEncoder().encode(json) : json;
  return createGate(parsePolicy(bytes, "policy"), {
    requireSigned: false,
    verifiers: createVerifiers({ now: () => new Date() }),
    readKeyFile,
  });
}

/** A gate that lets everything in: only for images that are trusted for another reason. */
export function openGate(): Gate {
  return createGate(acceptAnything, { requireSigned: false, verifiers: noVerifiers, readKeyFile });
}

const readKeyFile: ReadKeyFile = async (path) => readFile(path);

/** An image to ask a gate about. */
export interface VerifyImageOptions {
  readonly image: Place;
  readonly gate: Gate;
  /** Of a list, the image that counts; with `every` all of them do. */
  readonly platform: Platform;
  readonly every?: boolean;
  /** Judge it as if it had been found there. */
  readonly as?: ImageReference;
  readonly signal?: AbortSignal;
}

/** What a gate says of an image, or of those of a list. */
export interface VerifiedImage {
  readonly allowed: boolean;
  /** What was judged: pull by this digest, and nothing else can come. */
  readonly digest: Digest;
  readonly verdicts: readonly Verdict[];
}

/**
 * Asks a gate about an image without copying it. A refusal is an answer, and not an error.
 *
 * @throws {KnownError} where the image cannot be read
 */
export async function verifyImage(options: VerifyImageOptions): Promise<VerifiedImage> {
  const { every = false, signal = new AbortController().signal } = options;
  const { digest, images } = await judgeImage({ ...options, every, signal });
  const verdicts = images.map(({ verdict }) => verdict);
  return { allowed: verdicts.every(({ allowed }) => allowed), digest, verdicts };
}

/** A verdict for a person to read, step by step, with what to do about a refusal. */
export function explain(verdict: Verdict): string {
  return explainVerdict(verdict);
}
