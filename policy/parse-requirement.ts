import { goQuote } from "../src/core/go-quote.ts";
import type { JsonNode } from "../src/core/json-text.ts";
import { readExactMembers, readMembers } from "../src/core/strict-members.ts";
import { readBytes, readString, readStrings } from "../src/core/strict-values.ts";
import { invalidPolicy, within } from "./invalid.ts";
import { identityOrDefault, readSignedIdentity } from "./parse-identity.ts";
import { readSigstoreSigned } from "./parse-sigstore.ts";
import { readType } from "./parse-type.ts";
import type { KeySource, PolicyRequirement } from "./policy.ts";

/**
 * One requirement of a list (`specs/signing.md` 1.2, `Requirement`).
 *
 * @throws {PolicyError} `policy.invalid`, or {@link ContentError} `content.bad-json`, `content.bad-base64`
 */
export function readRequirement(value: JsonNode): PolicyRequirement {
  const type = readType(value, {
    struct: "prCommon",
    identifier: "prTypeIdentifier",
  });
  switch (type) {
    case "insecureAcceptAnything":
    case "reject":
      readExactMembers(value, { type: readString });
      return { type };
    case "signedBy":
      return readSignedBy(value);
    case "sigstoreSigned":
      return readSigstoreSigned(value);
    case "signedBaseLayer":
      return readSignedBaseLayer(value);
    default:
      throw invalidPolicy(`Unknown policy requirement type ${goQuote(type)}`);
  }
}

function readSignedBaseLayer(value: JsonNode): PolicyRequirement {
  const { baseLayerIdentity } = readExactMembers(value, {
    type: readString,
    baseLayerIdentity: (node) => node,
  });
  return {
    type: "signedBaseLayer",
    baseLayerIdentity: within("baseLayerIdentity", () => readSignedIdentity(baseLayerIdentity)),
  };
}

const keyTypes = ["GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"];

function readSignedBy(value: JsonNode): PolicyRequirement {
  const members = readMembers(value, {
    type: readString,
    keyType: readKeyType,
    keyPath: readString,
    keyPaths: readStrings,
    keyData: readBytes,
    signedIdentity: (node) => node,
  });
  const signedIdentity = identityOrDefault(members.signedIdentity);
  const sources = ["keyPath", "keyPaths", "keyData"].filter((name) => Object.hasOwn(members, name));
  const needed = "Exactly one of keyPath, keyPaths and keyData must be specified";
  if (sources.length === 0) throw invalidPolicy(`${needed}, none of them present`);
  if (sources.length > 1) throw invalidPolicy(`${needed}, more than one present`);
  const { keyType = "" } = members;
  if (keyType === "") throw invalidPolicy('invalid keyType ""');
  const keys = keysOf(members);
  if (!keys) throw invalidPolicy("exactly one of keyPath, keyPaths and keyData must be specified");
  return { type: "signedBy", keyType, keys, signedIdentity };
}

function readKeyType(value: JsonNode): string {
  const keyType = readString(value);
  if (keyTypes.includes(keyType)) return keyType;
  throw invalidPolicy(`Unrecognized keyType value ${goQuote(keyType)}`);
}

/** Undefined where the one source named is empty in a way that counts as none: an empty path, a null. */
function keysOf(members: {
  readonly keyPath?: string;
  readonly keyPaths?: readonly string[] | undefined;
  readonly keyData?: Uint8Array | undefined;
}): KeySource | undefined {
  if (members.keyPath) return { paths: [members.keyPath] };
  if (members.keyPaths) return { paths: members.keyPaths };
  return members.keyData && { data: [members.keyData] };
}
