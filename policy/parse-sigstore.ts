import type { JsonNode } from "../src/core/json-text.ts";
import { readMembers } from "../src/core/strict-members.ts";
import { readByteLists, readBytes, readString, readStrings } from "../src/core/strict-values.ts";
import { invalidPolicy, within } from "./invalid.ts";
import { identityOrDefault } from "./parse-identity.ts";
import { readFulcio, readPki } from "./parse-sigstore-ca.ts";
import type { KeySource, PolicyRequirement, SigstoreIdentity } from "./policy.ts";

/** The reference's own spelling of these names, in all its messages but one. */
const rekorNames =
  "rekorPublickeyPath, rekorPublicKeyPaths, rekorPublickeyData and rekorPublicKeyDatas";

const readers = {
  type: readString,
  keyPath: readString,
  keyPaths: readStrings,
  keyData: readBytes,
  keyDatas: readByteLists,
  fulcio: (node: JsonNode) => within("fulcio", () => readFulcio(node)),
  rekorPublicKeyPath: readString,
  rekorPublicKeyPaths: readStrings,
  rekorPublicKeyData: readBytes,
  rekorPublicKeyDatas: readByteLists,
  pki: (node: JsonNode) => within("pki", () => readPki(node)),
  signedIdentity: (node: JsonNode) => node,
};

type Members = ReturnType<typeof readMembers<typeof readers>>;

/**
 * A `sigstoreSigned` requirement (`specs/signing.md` 1.2, `SigstoreSigned`).
 *
 * @throws {PolicyError} `policy.invalid`, or {@link ContentError} `content.bad-json`, `content.bad-base64`
 */
export function readSigstoreSigned(value: JsonNode): PolicyRequirement {
  const members = readMembers(value, readers);
  const signedIdentity = identityOrDefault(members.signedIdentity);
  refuseEmptyLists(members);
  const identity = trustedOf(members);
  const [rekorKeys, ...more] = sourcesOf({
    path: members.rekorPublicKeyPath,
    paths: members.rekorPublicKeyPaths,
    data: members.rekorPublicKeyData,
    datas: members.rekorPublicKeyDatas,
  });
  if (more.length > 0) {
    throw invalidPolicy(`at most one of ${rekorNames} can be used simultaneously`);
  }
  if (identity.type === "fulcio" && !rekorKeys) {
    throw invalidPolicy(`At least one of ${rekorNames} must be specified if fulcio is used`);
  }
  if (identity.type === "pki" && rekorKeys) {
    throw invalidPolicy(`${rekorNames} are not supported for pki`);
  }
  return { type: "sigstoreSigned", identity, ...(rekorKeys && { rekorKeys }), signedIdentity };
}

function refuseEmptyLists(members: Members): void {
  const lists = [
    ["keyPaths", "keyPaths"],
    ["keyDatas", "keyDatas"],
    ["rekorPublicKeyPaths", "rekorPublickeyPaths"],
    ["rekorPublicKeyDatas", "rekorPublickeyDatas"],
  ] as const;
  for (const [name, told] of lists) {
    if (Object.hasOwn(members, name) && (members[name]?.length ?? 0) === 0) {
      throw invalidPolicy(`"${told}" contains no entries`);
    }
  }
}

function trustedOf(members: Members): SigstoreIdentity {
  const keys = sourcesOf({
    path: members.keyPath,
    paths: members.keyPaths,
    data: members.keyData,
    datas: members.keyDatas,
  });
  const [identity, ...more] = [
    ...keys.map((source): SigstoreIdentity => ({ type: "keys", keys: source })),
    ...[members.fulcio, members.pki].filter((authority) => authority !== undefined),
  ];
  if (identity && more.length === 0) return identity;
  throw invalidPolicy(
    "exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio, and pki must be specified",
  );
}

/** Those sources that count: an empty path and a null do not. */
function sourcesOf(given: {
  readonly path: string | undefined;
  readonly paths: readonly string[] | undefined;
  readonly data: Uint8Array | undefined;
  readonly datas: readonly Uint8Array[] | undefined;
}): readonly KeySource[] {
  return [
    ...(given.path ? [{ paths: [given.path] }] : []),
    ...(given.paths ? [{ paths: given.paths }] : []),
    ...(given.data ? [{ data: [given.data] }] : []),
    ...(given.datas ? [{ data: given.datas }] : []),
  ];
}
