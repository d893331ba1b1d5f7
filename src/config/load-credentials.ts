import { type AuthAnswer, type AuthFile, findInAuthFile, parseAuthFile } from "./auth-file.ts";
import { type AskHelper, getFromHelper } from "./credential-helper.ts";
import { type CredentialKey, type FoundCredentials, readCredentialKey } from "./credentials.ts";
import type { Environment } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { type AuthFileChoice, type AuthPath, authPathsToRead } from "./load-auth-paths.ts";
import { readIfThere } from "./load-file.ts";
import { AUTH_FILES, type RegistriesConf } from "./registries-conf.ts";

/** What credentials are looked up in. */
export interface CredentialSettings {
  readonly environment: Environment;
  readonly registries: Pick<RegistriesConf, "credentialHelpers">;
  readonly choice: AuthFileChoice;
  readonly askHelper: AskHelper;
  /** Whether docker's file may name one helper for all registries, as docker has it and the reference tools do not. */
  readonly credsStore: boolean;
  readonly onWarning: (text: string) => void;
}

/** Looks up who signs in; undefined where nobody does. */
export type FindCredentials = (
  key: string,
  options: { readonly signal: AbortSignal },
) => Promise<FoundCredentials | undefined>;

/**
 * Makes the lookup of registry.md 2.7. Files are read at each call, so that a login in the meantime counts.
 *
 * It throws {ConfigError} `config.invalid`, `config.unreadable`, `config.helper-failed` or `config.bad-key`.
 */
export function createCredentialFinder(settings: CredentialSettings): FindCredentials {
  return async (text, options) => {
    const key = readCredentialKey(text);
    const failures: Error[] = [];
    for (const helper of settings.registries.credentialHelpers) {
      try {
        const found = await (helper === AUTH_FILES
          ? findInFiles(settings, key, options)
          : fromHelper(settings, helper, key.registry, "", options));
        if (found) return found;
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        failures.push(error);
      }
    }
    throwAll(failures, "errors looking up credentials:\n\t* ", "\nt* ");
    return undefined;
  };
}

/** Throws one failure as it is, several as a list in the reference's layout (its typing errors included). */
export function throwAll(failures: readonly Error[], first: string, between: string): void {
  const [only, ...others] = failures;
  if (only === undefined) return;
  if (others.length === 0) throw only;
  const code = only instanceof ConfigError ? only.code : "config.helper-failed";
  const texts = failures.map((failure) => failure.message).join(between);
  throw new ConfigError(code, `${first}${texts}\n`, { cause: only });
}

async function findInFiles(
  settings: CredentialSettings,
  key: CredentialKey,
  options: { readonly signal: AbortSignal },
): Promise<FoundCredentials | undefined> {
  const { environment, choice, onWarning } = settings;
  for (const place of authPathsToRead(environment, choice, onWarning)) {
    const file = readAuthFile(place);
    if (file === undefined) continue;
    const answer = findInAuthFile(file, key, place);
    const found = await settle(settings, place, key, answer, options);
    if (found) return found;
    const store = settings.credsStore && place.docker ? file.credsStore : "";
    const kept = store && (await fromCredsStore(settings, store, key.registry, place, options));
    if (kept) return kept;
  }
  return undefined;
}

/** @throws {ConfigError} naming the file */
export function readAuthFile({ path, legacy }: AuthPath): AuthFile | undefined {
  try {
    const bytes = readIfThere(path);
    return bytes && parseNamed(bytes.toString("utf8"), path, legacy);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      error.code,
      `reading JSON file ${JSON.stringify(path)}: ${error.message}`,
      { file: path, cause: error },
    );
  }
}

function parseNamed(text: string, path: string, legacy: boolean): AuthFile {
  try {
    return parseAuthFile(text, { legacy });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      error.code,
      `unmarshaling JSON at ${JSON.stringify(path)}: ${error.message}`,
    );
  }
}

async function settle(
  settings: CredentialSettings,
  { path }: AuthPath,
  { registry }: CredentialKey,
  answer: AuthAnswer | undefined,
  options: { readonly signal: AbortSignal },
): Promise<FoundCredentials | undefined> {
  switch (answer?.kind) {
    case "helper":
      return fromHelper(settings, answer.helper, registry, ` named in ${path}`, options);
    case "credentials":
      return { credentials: answer.credentials, source: `${path}, entry "${answer.entry}"` };
    case "malformed":
      settings.onWarning(
        `Error parsing the "auth" field of a credential entry ${JSON.stringify(answer.entry)} in ${JSON.stringify(path)}, missing semicolon`,
      );
      return undefined;
    default:
      return undefined;
  }
}

async function fromHelper(
  settings: CredentialSettings,
  helper: string,
  registry: string,
  where: string,
  options: { readonly signal: AbortSignal },
): Promise<FoundCredentials | undefined> {
  const credentials = await getFromHelper(settings.askHelper, helper, registry, options);
  return credentials && { credentials, source: `credential helper ${helper}${where}` };
}

/** A convenience of docker's: where its helper does not work, an image that is public can still be had. */
async function fromCredsStore(
  settings: CredentialSettings,
  helper: string,
  registry: string,
  { path }: AuthPath,
  options: { readonly signal: AbortSignal },
): Promise<FoundCredentials | undefined> {
  const server = registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
  try {
    return await fromHelper(settings, helper, server, ` named as credsStore in ${path}`, options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    settings.onWarning(`credential helper ${helper} named in ${path}: ${error.message}`);
    return undefined;
  }
}
