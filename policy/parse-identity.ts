import { isNameOrDomain, parseDockerReference } from "../src/core/docker-reference.ts";
import { UsageError } from "../src/core/errors.ts";
import { goQuote } from "../src/core/go-quote.ts";
import type { JsonNode } from "../src/core/json-text.ts";
import { readExactMembers } from "../src/core/strict-members.ts";
import { readString } from "../src/core/strict-values.ts";
import { invalidPolicy, within } from "./invalid.ts";
import { readType } from "./parse-type.ts";
import type { SignedIdentity } from "./policy.ts";

/**
 * The `signedIdentity` of a requirement, undefined where it names none — containers-policy.json(5) § signedIdentity.
 *
 * @throws {PolicyError} `policy.invalid`
 */
export function identityOrDefault(value: JsonNode | undefined): SignedIdentity {
  if (value === undefined) return { type: "matchRepoDigestOrExact" };
  return within("signedIdentity", () => readSignedIdentity(value));
}

/**
 * A requirement's `signedIdentity` (`specs/signing.md` 1.2, `Match`).
 *
 * @throws {PolicyError} `policy.invalid`, or {@link ContentError} `content.bad-json`
 */
export function readSignedIdentity(value: JsonNode): SignedIdentity {
  const type = readType(value, {
    struct: "prmCommon",
    identifier: "prmTypeIdentifier",
  });
  switch (type) {
    case "matchExact":
    case "matchRepoDigestOrExact":
    case "matchRepository":
      readExactMembers(value, { type: readString });
      return { type };
    case "exactReference":
      return readExactReference(value);
    case "exactRepository":
      return readExactRepository(value);
    case "remapIdentity":
      return readRemapIdentity(value);
    default:
      throw invalidPolicy(`Unknown policy reference match type ${goQuote(type)}`);
  }
}

function readExactReference(value: JsonNode): SignedIdentity {
  const { dockerReference } = readExactMembers(value, {
    type: readString,
    dockerReference: readString,
  });
  const parsed = parseMember("dockerReference", dockerReference);
  if (parsed.tag === undefined && parsed.digest === undefined) {
    throw invalidPolicy(
      `dockerReference ${goQuote(dockerReference)} contains neither a tag nor digest`,
    );
  }
  return { type: "exactReference", dockerReference };
}

function readExactRepository(value: JsonNode): SignedIdentity {
  const { dockerRepository } = readExactMembers(value, {
    type: readString,
    dockerRepository: readString,
  });
  parseMember("dockerRepository", dockerRepository);
  return { type: "exactRepository", dockerRepository };
}

function readRemapIdentity(value: JsonNode): SignedIdentity {
  const { prefix, signedPrefix } = readExactMembers(value, {
    type: readString,
    prefix: readString,
    signedPrefix: readString,
  });
  for (const text of [prefix, signedPrefix]) {
    if (!isNameOrDomain(text)) throw invalidPolicy(`prefix ${goQuote(text)} is not valid`);
  }
  return { type: "remapIdentity", prefix, signedPrefix };
}

function parseMember(member: string, text: string): ReturnType<typeof parseDockerReference> {
  try {
    return parseDockerReference(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw invalidPolicy(`Invalid format of ${member} ${goQuote(text)}: ${error.message}`);
  }
}
