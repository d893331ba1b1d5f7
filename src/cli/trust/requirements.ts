import { UsageError } from "../../core/errors.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { KeyFile } from "./key-file.ts";

/** `{"type": TYPE}`, which says all there is to say. */
export function plainRequirement(type: "insecureAcceptAnything" | "reject"): JsonValue {
  return new Map([["type", type]]);
}

/**
 * A requirement that one of these keys has signed.
 *
 * @param keys all of one kind, at least one
 * @throws {UsageError} `usage.bad-flag` for a mixture
 */
export function signedRequirement(
  keys: readonly KeyFile[],
  identity: JsonValue | undefined,
): JsonValue {
  const [first] = keys;
  const other = keys.find(({ kind }) => kind !== first?.kind);
  if (!first || other) {
    throw new UsageError(
      "usage.bad-flag",
      `Cannot accept either of ${keys.map(({ path }) => JSON.stringify(path)).join(", ")}: one is an OpenPGP key and the other is not`,
    );
  }
  const paths = keys.map(({ path }) => path);
  return new Map<string, JsonValue>([
    ["type", first.kind === "openpgp" ? "signedBy" : "sigstoreSigned"],
    ...(first.kind === "openpgp" ? [["keyType", "GPGKeys"] as const] : []),
    paths.length === 1 ? ["keyPath", paths[0] ?? ""] : ["keyPaths", paths],
    ...(identity === undefined ? [] : [["signedIdentity", identity] as const]),
  ]);
}

/**
 * Reads `matchExact`, `exactRepository=REPOSITORY`, `remapIdentity=PREFIX,SIGNED-PREFIX` and the like —
 * containers-policy.json(5) § signedBy.
 *
 * @throws {UsageError} `usage.bad-flag`
 */
export function parseIdentity(text: string): JsonValue {
  const equals = text.indexOf("=");
  const type = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  switch (type) {
    case "matchExact":
    case "matchRepoDigestOrExact":
    case "matchRepository":
      if (value === undefined) return new Map([["type", type]]);
      break;
    case "exactReference":
      if (value)
        return new Map([
          ["type", type],
          ["dockerReference", value],
        ]);
      break;
    case "exactRepository":
      if (value)
        return new Map([
          ["type", type],
          ["dockerRepository", value],
        ]);
      break;
    case "remapIdentity": {
      const [prefix, signedPrefix, ...more] = (value ?? "").split(",");
      if (!prefix || !signedPrefix || more.length > 0) break;
      return new Map([
        ["type", type],
        ["prefix", prefix],
        ["signedPrefix", signedPrefix],
      ]);
    }
  }
  throw new UsageError(
    "usage.bad-flag",
    `invalid --identity ${JSON.stringify(text)}: use matchExact, matchRepoDigestOrExact, matchRepository, exactReference=REFERENCE, exactRepository=REPOSITORY or remapIdentity=PREFIX,SIGNED-PREFIX`,
  );
}
