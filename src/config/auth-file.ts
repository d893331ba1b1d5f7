import { ContentError } from "../core/errors.ts";
import { decodeGoBase64 } from "../core/go-base64.ts";
import { goText } from "../core/go-scalars.ts";
import { always, type GoValue, goMapOf, goStruct } from "../core/go-struct.ts";
import { type GoType, readAs } from "../core/go-type.ts";
import { parseJsonText } from "../core/json-text.ts";
import {
  type CredentialKey,
  type Credentials,
  lookupOrder,
  normalizeFileKey,
  normalizeRegistry,
} from "./credentials.ts";
import { ConfigError } from "./errors.ts";

/** The members of containers-auth.json(5), docker's config.json or (legacy) .dockercfg that say who signs in how. */
export interface AuthFile {
  readonly auths: ReadonlyMap<string, AuthEntry>;
  /** Registry to helper. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** Docker's helper for all registries; the reference tools do not read it. */
  readonly credsStore: string;
}

/** One entry of `auths`; "" for what it lacks. */
export interface AuthEntry {
  /** base64 of `user:password`. */
  readonly auth: string;
  readonly identityToken: string;
}

const entry = goStruct("config.dockerAuthConfig", {
  auth: always(goText),
  identitytoken: always(goText),
});
const entries = goMapOf(entry);
const configFile = goStruct("config.dockerConfigFile", {
  auths: always(entries),
  credHelpers: always(goMapOf(goText)),
});
/** Not the reference's, which must not fail where it is odd. */
const quietText: GoType<string> = {
  ...goText,
  read: (node, current) => (typeof node === "string" ? node : current),
};
const dockersOwn = goStruct("config.dockerConfigFile", { credsStore: always(quietText) });

/** Deeper nesting than this is refused. */
export const MAX_AUTH_FILE_DEPTH = 1_000;

/**
 * Reads the text of an auth file. A legacy file (`.dockercfg`) is its `auths` alone.
 *
 * @throws {ConfigError} `config.invalid` in Go's words, lacking the file's name
 */
export function parseAuthFile(text: string, options: { readonly legacy: boolean }): AuthFile {
  try {
    const document = parseJsonText(text, { maxDepth: MAX_AUTH_FILE_DEPTH });
    if (options.legacy) {
      const auths = readAs(entries, document, "content.bad-json");
      return { auths: toEntries(auths), credHelpers: new Map(), credsStore: "" };
    }
    const { auths, credHelpers } = readAs(configFile, document, "content.bad-json");
    return {
      auths: toEntries(auths),
      credHelpers: credHelpers ?? new Map(),
      credsStore: readAs(dockersOwn, document, "content.bad-json").credsStore,
    };
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw new ConfigError("config.invalid", error.message, { cause: error });
  }
}

function toEntries(
  map: ReadonlyMap<string, GoValue<typeof entry>> | null,
): ReadonlyMap<string, AuthEntry> {
  return new Map(
    Array.from(map ?? [], ([key, { auth, identitytoken }]) => [
      key,
      { auth, identityToken: identitytoken },
    ]),
  );
}

/** What one file answers to a key. `entry` is the key that matched. */
export type AuthAnswer =
  | { readonly kind: "helper"; readonly helper: string }
  | { readonly kind: "credentials"; readonly entry: string; readonly credentials: Credentials }
  /** An empty entry, as docker leaves behind where a helper keeps the secret. */
  | { readonly kind: "empty"; readonly entry: string }
  /** An entry that is not `user:password`: passed over, but worth a warning. */
  | { readonly kind: "malformed"; readonly entry: string };

/**
 * Looks a key up in one file (registry.md 2.7): the registry's helper, then the key and all above it, the narrowest
 * first, then keys written as URLs or as another name of Docker Hub.
 *
 * @throws {ConfigError} `config.invalid` where the entry is no base64
 */
export function findInAuthFile(
  file: AuthFile,
  { key, registry }: CredentialKey,
  options: { readonly legacy: boolean },
): AuthAnswer | undefined {
  const helper = file.credHelpers.get(registry);
  if (helper !== undefined) return { kind: "helper", helper };
  for (const candidate of options.legacy ? [registry] : lookupOrder(key)) {
    const entry = file.auths.get(candidate);
    if (entry) return answer(candidate, entry);
  }
  const normalized = normalizeRegistry(registry);
  for (const [candidate, entry] of file.auths) {
    if (normalizeFileKey(candidate, options.legacy) === normalized) return answer(candidate, entry);
  }
  return undefined;
}

function answer(entry: string, { auth, identityToken }: AuthEntry): AuthAnswer {
  const decoded = decodeAuth(auth);
  const colon = decoded.indexOf(":");
  if (colon === -1) return { kind: decoded === "" ? "empty" : "malformed", entry };
  const username = decoded.slice(0, colon);
  const password = decoded
    .slice(colon + 1)
    .replace(/^\0+/, "")
    .replace(/\0+$/, "");
  if (identityToken !== "")
    return { kind: "credentials", entry, credentials: { identityToken, username } };
  if (username === "" && password === "") return { kind: "empty", entry };
  return { kind: "credentials", entry, credentials: { username, password } };
}

function decodeAuth(text: string): string {
  try {
    return Buffer.from(decodeGoBase64(text)).toString();
  } catch (error) {
    throw new ConfigError("config.invalid", (error as Error).message);
  }
}
