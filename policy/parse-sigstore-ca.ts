import type { JsonNode } from "../src/core/json-text.ts";
import { readMembers } from "../src/core/strict-members.ts";
import { readBytes, readString } from "../src/core/strict-values.ts";
import { invalidPolicy } from "./invalid.ts";
import type { KeySource, SigstoreIdentity } from "./policy.ts";

/**
 * Certificates of a Fulcio, and whom it must have certified — containers-policy.json(5) § sigstoreSigned, `fulcio`.
 *
 * @throws {PolicyError} `policy.invalid`, or {@link ContentError} `content.bad-json`, `content.bad-base64`
 */
export function readFulcio(value: JsonNode): SigstoreIdentity {
  const { caPath, caData, oidcIssuer, subjectEmail } = readMembers(value, {
    caPath: readString,
    caData: readBytes,
    oidcIssuer: readString,
    subjectEmail: readString,
  });
  const ca = eitherOf("caPath", caPath, "caData", caData);
  if (!ca) throw invalidPolicy("At least one of caPath and caData must be specified");
  if (!oidcIssuer) throw invalidPolicy("oidcIssuer not specified");
  if (!subjectEmail) throw invalidPolicy("subjectEmail not specified");
  return { type: "fulcio", ca, oidcIssuer, subjectEmail };
}

/**
 * A certificate authority of one's own, and whom it must have certified — containers-policy.json(5) § sigstoreSigned, `pki`.
 *
 * @throws {PolicyError} `policy.invalid`, or {@link ContentError} `content.bad-json`, `content.bad-base64`
 */
export function readPki(value: JsonNode): SigstoreIdentity {
  const members = readMembers(value, {
    caRootsPath: readString,
    caRootsData: readBytes,
    caIntermediatesPath: readString,
    caIntermediatesData: readBytes,
    subjectEmail: readString,
    subjectHostname: readString,
  });
  const { caRootsPath, caRootsData, caIntermediatesPath, caIntermediatesData } = members;
  const caRoots = eitherOf("caRootsPath", caRootsPath, "caRootsData", caRootsData);
  if (!caRoots) {
    throw invalidPolicy("At least one of caRootsPath and caRootsData must be specified");
  }
  const caIntermediates = eitherOf(
    "caIntermediatesPath",
    caIntermediatesPath,
    "caIntermediatesData",
    caIntermediatesData,
  );
  const { subjectEmail, subjectHostname } = members;
  if (!subjectEmail && !subjectHostname) {
    throw invalidPolicy("At least one of subjectEmail, subjectHostname must be specified");
  }
  return {
    type: "pki",
    caRoots,
    ...(caIntermediates && { caIntermediates }),
    ...(subjectEmail && { subjectEmail }),
    ...(subjectHostname && { subjectHostname }),
  };
}

/** Undefined where neither counts: an empty path and a null do not. */
function eitherOf(
  pathName: string,
  path: string | undefined,
  dataName: string,
  data: Uint8Array | undefined,
): KeySource | undefined {
  if (path && data)
    throw invalidPolicy(`${pathName} and ${dataName} cannot be used simultaneously`);
  if (path) return { paths: [path] };
  return data && { data: [data] };
}
