import { WholePattern } from "../sigstore/cosign/whole-pattern.ts";
import { goQuote } from "../src/core/go-quote.ts";
import type { JsonNode } from "../src/core/json-text.ts";
import { readExactMembers, readMembers } from "../src/core/strict-members.ts";
import { readByteLists, readBytes, readString, readStrings } from "../src/core/strict-values.ts";
import { invalidPolicy, within } from "./invalid.ts";
import type { BundleIdentity, BundleRequirement } from "./overlay.ts";
import type { KeySource } from "./policy.ts";

// requirement = { "type": "sigstoreBundle", "bundle": true, "signedIdentity": { "type": "matchDigest" },
//                 one of "keyPath", "keyPaths", "keyData", "keyDatas", "identities",
//                 [ one of "trustedRootPath", "trustedRootData" ] }                    with identities it is needed
// identity    = { one of "issuer", "issuerPattern", one of "subjectEmail", "subjectUri", "subjectPattern" }

const readers = {
  type: readString,
  bundle: (node: JsonNode) => node,
  signedIdentity: (node: JsonNode) => readExactMembers(node, { type: readString }).type,
  keyPath: readString,
  keyPaths: readStrings,
  keyData: readBytes,
  keyDatas: readByteLists,
  identities: (node: JsonNode) => within("identities", () => readIdentities(node)),
  trustedRootPath: readString,
  trustedRootData: readBytes,
};

/**
 * A requirement of an overlay. It has to say that bundles are wanted, and that their digest is all they match by: both
 * are choices nobody should make without knowing.
 *
 * @throws {PolicyError} `policy.invalid`, or {@link ContentError} `content.bad-json`, `content.bad-base64`
 */
export function readBundleRequirement(value: JsonNode): BundleRequirement {
  const members = readMembers(value, readers);
  const { type = "", bundle, signedIdentity, identities } = members;
  if (type !== "sigstoreBundle") {
    throw invalidPolicy(`Unknown policy requirement type ${goQuote(type)}`);
  }
  if (bundle !== true) throw invalidPolicy('"bundle" must be true');
  if (signedIdentity !== "matchDigest") {
    throw invalidPolicy(
      '"signedIdentity" must be {"type":"matchDigest"}: a bundle says nothing of the image\'s name',
    );
  }
  const keys = sourceOf([
    members.keyPath ? { paths: [members.keyPath] } : undefined,
    members.keyPaths?.length ? { paths: members.keyPaths } : undefined,
    members.keyData ? { data: [members.keyData] } : undefined,
    members.keyDatas?.length ? { data: members.keyDatas } : undefined,
  ]);
  const trustedRoot = sourceOf([
    members.trustedRootPath ? { paths: [members.trustedRootPath] } : undefined,
    members.trustedRootData ? { data: [members.trustedRootData] } : undefined,
  ]);
  if ((keys === undefined) === (identities === undefined)) {
    throw invalidPolicy(
      "exactly one of keyPath, keyPaths, keyData, keyDatas, and identities must be specified",
    );
  }
  if (identities && !trustedRoot) {
    throw invalidPolicy(
      "trustedRootPath or trustedRootData must be specified if identities are used",
    );
  }
  return {
    type,
    signers: keys ? { type: "keys", keys } : { type: "certificates", identities: identities ?? [] },
    ...(trustedRoot && { trustedRoot }),
  };
}

function sourceOf(given: readonly (KeySource | undefined)[]): KeySource | undefined {
  const [source, ...more] = given.filter((each) => each !== undefined);
  if (more.length > 0) throw invalidPolicy("the same is given in more than one way");
  return source;
}

function readIdentities(node: JsonNode): readonly BundleIdentity[] {
  const items: readonly JsonNode[] = Array.isArray(node) ? node : [];
  if (items.length === 0) throw invalidPolicy("A list of identities must not be empty");
  return items.map((item, index) => within(index, () => readIdentity(item)));
}

function readIdentity(node: JsonNode): BundleIdentity {
  const { issuer, issuerPattern, subjectEmail, subjectUri, subjectPattern } = readMembers(node, {
    issuer: readString,
    issuerPattern: readString,
    subjectEmail: readString,
    subjectUri: readString,
    subjectPattern: readString,
  });
  for (const pattern of [issuerPattern, subjectPattern]) {
    if (pattern) new WholePattern(pattern);
  }
  return {
    issuer: only("issuer, issuerPattern", [
      issuer ? { is: issuer } : undefined,
      issuerPattern ? { pattern: issuerPattern } : undefined,
    ]),
    subject: only("subjectEmail, subjectUri, subjectPattern", [
      subjectEmail ? { email: subjectEmail } : undefined,
      subjectUri ? { uri: subjectUri } : undefined,
      subjectPattern ? { pattern: subjectPattern } : undefined,
    ]),
  };
}

function only<T>(names: string, given: readonly (T | undefined)[]): T {
  const [one, ...more] = given.filter((each) => each !== undefined);
  if (one === undefined || more.length > 0) {
    throw invalidPolicy(`exactly one of ${names} must be specified`);
  }
  return one;
}
