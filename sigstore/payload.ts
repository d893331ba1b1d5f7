import { type Digest, parseDigest } from "../src/core/digest.ts";
import { KnownError } from "../src/core/errors.ts";
import { goString } from "../src/core/go-json.ts";
import { goQuote } from "../src/core/go-quote.ts";
import { type JsonNode, JsonNumber, JsonObject, parseJsonText } from "../src/core/json-text.ts";
import {
  badMember,
  cannotUnmarshal,
  readExactMembers,
  visitMembers,
} from "../src/core/strict-members.ts";
import { readString } from "../src/core/strict-values.ts";
import { decodeUtf8 } from "../src/core/utf8.ts";
import { SignatureError } from "./errors.ts";
import type { Claim, UntrustedSignature } from "./signature.ts";

/** What the signed bytes say. Only as good as the signature over them. */
export interface SignedPayload extends Claim {
  /** Unparsed; may be empty. */
  readonly dockerReference: string;
  /** The program that signed. */
  readonly creator?: string;
  /** Seconds since the epoch, of any sign. */
  readonly timestamp?: number;
}

/** What stands in a payload besides the claim. */
export interface PayloadDetails {
  /** Program and version: `amphora 1.0.0`. */
  readonly creator: string;
  readonly signedAt: Date;
  /** More that is said besides, by names of its own. */
  readonly optional?: Readonly<Record<string, string>>;
}

type PayloadKind = UntrustedSignature["format"];

// payload  = { "critical": critical, "optional": optional }
// critical = { "type": text of the kind, "image": { "docker-manifest-digest": digest },
//              "identity": { "docker-reference": text } }
// optional = { ["creator": text,] ["timestamp": integer,] any others }       sigstore: or null
const types: Readonly<Record<PayloadKind, string>> = {
  "simple-signing": "atomic container signature",
  sigstore: "cosign container image signature",
};

/** Far less than the reference's 10 000, and far more than anybody writes. */
const maxDepth = 1_000;

/**
 * Reads the bytes that were signed, strictly: a member twice, unknown or missing in what is critical refuses them
 * (`specs` signing.md 2.1, for sigstore 4.2).
 *
 * @throws {SignatureError} `signature.bad-payload`, in the reference's words
 */
export function parsePayload(bytes: Uint8Array, kind: PayloadKind): SignedPayload {
  try {
    return readPayload(parseJsonText(decodeUtf8(bytes), { maxDepth }), kind);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw new SignatureError("signature.bad-payload", error.message, { cause: error });
  }
}

/**
 * The bytes to sign for `claim`: compact JSON, its members sorted.
 *
 * @throws {SignatureError} `signature.cannot-sign` where the claim names nothing
 */
export function formatPayload(
  claim: Claim,
  kind: PayloadKind,
  { creator, signedAt, optional: more = {} }: PayloadDetails,
): Uint8Array {
  const { dockerReference = "", manifestDigest } = claim;
  if (dockerReference === "") {
    throw new SignatureError("signature.cannot-sign", "Unexpected empty signature content");
  }
  const identity = `{"docker-reference":${goString(dockerReference)}}`;
  const image = `{"docker-manifest-digest":${goString(manifestDigest)}}`;
  const critical = `{"identity":${identity},"image":${image},"type":"${types[kind]}"}`;
  const seconds = Math.floor(signedAt.getTime() / 1000);
  const members: Readonly<Record<string, string>> = {
    ...Object.fromEntries(Object.entries(more).map(([name, text]) => [name, goString(text)])),
    creator: goString(creator),
    timestamp: String(seconds),
  };
  const optional = Object.keys(members)
    .toSorted()
    .map((name) => `${goString(name)}:${members[name]}`);
  return Buffer.from(`{"critical":${critical},"optional":{${optional.join(",")}}}`);
}

/** A time that something says of itself, seconds since the epoch, if there is such a time. */
export function claimedTime(seconds: number | undefined): { readonly signedAt?: Date } {
  const signedAt = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(signedAt.getTime()) ? {} : { signedAt };
}

const asIs = (node: JsonNode): JsonNode => node;

// In the order of the reference, so that of several faults the same one is told.
function readPayload(node: JsonNode, kind: PayloadKind): SignedPayload {
  const { critical, optional } = readExactMembers(node, { critical: asIs, optional: asIs });
  const details = optional === null && kind === "sigstore" ? {} : readOptional(optional);
  const { type, image, identity } = readExactMembers(critical, {
    type: readString,
    image: asIs,
    identity: asIs,
  });
  if (type !== types[kind]) throw badMember(`Unrecognized signature type ${type}`);
  const digest = readExactMembers(image, { "docker-manifest-digest": readString });
  const manifestDigest = checkedDigest(digest["docker-manifest-digest"]);
  const reference = readExactMembers(identity, { "docker-reference": readString });
  return { manifestDigest, dockerReference: reference["docker-reference"], ...details };
}

function readOptional(node: JsonNode): Pick<SignedPayload, "creator" | "timestamp"> {
  let creator: string | undefined;
  let timestamp: number | undefined;
  visitMembers(node, (name, value) => {
    if (name === "creator") creator = readString(value);
    else if (name === "timestamp") timestamp = readDouble(value);
    else checkNumbers(value);
    return true;
  });
  if (timestamp !== undefined && !isInt64(timestamp)) {
    throw badMember("Field optional.timestamp is not an integer");
  }
  return {
    ...(creator !== undefined && { creator }),
    ...(timestamp !== undefined && { timestamp }),
  };
}

function readDouble(value: JsonNode): number {
  if (value === null) return 0;
  if (!(value instanceof JsonNumber)) throw cannotUnmarshal(value, "float64");
  const number = Number(value.text);
  if (Number.isFinite(number)) return number;
  throw badMember(`json: cannot unmarshal number ${value.text} into Go value of type float64`);
}

/** Whatever else stands in `optional` is nobody's concern, but each number must fit a double. */
function checkNumbers(value: JsonNode): void {
  if (value instanceof JsonNumber) readDouble(value);
  else if (value instanceof JsonObject)
    for (const member of value.members) checkNumbers(member.value);
  else if (Array.isArray(value)) for (const item of value) checkNumbers(item);
}

/** Whether a double comes back from Go's int64 as it was. */
function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
}

function checkedDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badMember(`invalid docker-manifest-digest value ${goQuote(text)}: ${reason}`);
  }
}
