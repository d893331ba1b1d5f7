import { type AuthEdit, editAuthFile } from "./auth-file-edit.ts";
import { type AskHelper, eraseFromHelper, listHelper, storeInHelper } from "./credential-helper.ts";
import { type CredentialKey, type PasswordCredentials, readCredentialKey } from "./credentials.ts";
import type { Environment } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { type AuthFileChoice, type AuthPath, authPathToWrite } from "./load-auth-paths.ts";
import { readAuthFile, throwAll } from "./load-credentials.ts";
import { readIfThere } from "./load-file.ts";
import { makeFolderOf, replaceFile, withLock } from "./load-locked-file.ts";
import { AUTH_FILES, type RegistriesConf } from "./registries-conf.ts";

/** Where login and logout work. */
export interface CredentialStoreSettings {
  readonly environment: Environment;
  readonly registries: Pick<RegistriesConf, "credentialHelpers">;
  readonly choice: AuthFileChoice;
  readonly askHelper: AskHelper;
}

interface CallOptions {
  readonly signal: AbortSignal;
}

/** What login and logout change: an auth file, and the helpers it or registries.conf names. */
export interface CredentialStore {
  /**
   * Puts credentials where the first helper takes them.
   *
   * @returns where that was, for people: the file's path, or `credential helper: <name>`
   * @throws {ConfigError}
   */
  store(key: string, credentials: PasswordCredentials, options: CallOptions): Promise<string>;
  /**
   * Removes a key from everywhere.
   *
   * @returns false where nobody knew it
   * @throws {ConfigError}
   */
  remove(key: string, options: CallOptions): Promise<boolean>;
  /** @throws {ConfigError} */
  removeAll(options: CallOptions): Promise<void>;
}

/** Makes the store for the chosen file (registry.md 2.9). Docker's file takes no namespaces and no helpers of ours. */
export function createCredentialStore(settings: CredentialStoreSettings): CredentialStore {
  const { compatAuthFile } = settings.choice;
  const helpers =
    compatAuthFile === undefined ? settings.registries.credentialHelpers : [AUTH_FILES];
  return {
    store: async (text, credentials, options) =>
      store(settings, helpers, keyFor(settings, text), credentials, options),
    remove: async (text, options) => remove(settings, helpers, keyFor(settings, text), options),
    removeAll: (options) => removeAll(settings, helpers, options),
  };
}

function keyFor(settings: CredentialStoreSettings, text: string): CredentialKey {
  const key = readCredentialKey(text);
  if (settings.choice.compatAuthFile === undefined) return key;
  if (key.namespaced)
    throw new ConfigError(
      "config.bad-key",
      `Credentials cannot be recorded in Docker-compatible format with namespaced key ${JSON.stringify(text)}`,
    );
  return text === "docker.io" ? { ...key, key: "https://index.docker.io/v1/" } : key;
}

async function store(
  settings: CredentialStoreSettings,
  helpers: readonly string[],
  key: CredentialKey,
  credentials: PasswordCredentials,
  options: CallOptions,
): Promise<string> {
  const failures: Error[] = [];
  for (const helper of helpers) {
    try {
      return helper === AUTH_FILES
        ? await storeInFile(settings, key, credentials, options)
        : await give(settings, helper, key, credentials, options);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      failures.push(error);
    }
  }
  throwAll(failures, "Errors storing credentials\n\t* ", "\n\t* ");
  throw new ConfigError("config.unwritable", "no credential helper is configured");
}

async function give(
  { askHelper }: CredentialStoreSettings,
  helper: string,
  { key, namespaced }: CredentialKey,
  credentials: PasswordCredentials,
  options: CallOptions,
): Promise<string> {
  if (namespaced)
    throw new ConfigError(
      "config.bad-key",
      `namespaced key is not supported for credential helper ${helper}`,
    );
  await storeInHelper(askHelper, helper, key, credentials, options);
  return `credential helper: ${helper}`;
}

async function storeInFile(
  settings: CredentialStoreSettings,
  key: CredentialKey,
  credentials: PasswordCredentials,
  options: CallOptions,
): Promise<string> {
  const place = placeToWrite(settings);
  const helper = readAuthFile(place)?.credHelpers.get(key.key);
  if (helper !== undefined)
    return updating(place, () => give(settings, helper, key, credentials, options));
  await edit(place, { kind: "set", key: key.key, credentials }, options);
  return place.path;
}

async function remove(
  settings: CredentialStoreSettings,
  helpers: readonly string[],
  key: CredentialKey,
  options: CallOptions,
): Promise<boolean> {
  const failures: Error[] = [];
  let removed = false;
  for (const helper of helpers) {
    try {
      const here =
        helper === AUTH_FILES
          ? await removeFromFile(settings, key, options)
          : await erase(settings, helper, key, options);
      removed ||= here;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      failures.push(error);
    }
  }
  throwAll(failures, "errors removing credentials\n\t* ", "\n\t*");
  return removed;
}

async function erase(
  { askHelper }: CredentialStoreSettings,
  helper: string,
  { key, namespaced }: CredentialKey,
  options: CallOptions,
): Promise<boolean> {
  if (namespaced) return false; // helpers know hosts only
  try {
    return await eraseFromHelper(askHelper, helper, key, options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      error.code,
      `removing credentials for ${key} from credential helper ${helper}: ${error.message}`,
      { cause: error },
    );
  }
}

async function removeFromFile(
  settings: CredentialStoreSettings,
  key: CredentialKey,
  options: CallOptions,
): Promise<boolean> {
  const place = placeToWrite(settings);
  const file = readAuthFile(place);
  const helper = file?.credHelpers.get(key.key);
  const erased =
    helper !== undefined && (await updating(place, () => erase(settings, helper, key, options)));
  await edit(place, { kind: "remove", key: key.key }, options);
  return erased || file?.auths.has(key.key) === true;
}

async function removeAll(
  settings: CredentialStoreSettings,
  helpers: readonly string[],
  options: CallOptions,
): Promise<void> {
  const failures: Error[] = [];
  for (const helper of helpers) {
    try {
      await (helper === AUTH_FILES
        ? clearFile(settings, options)
        : clearHelper(settings, helper, options));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      failures.push(error);
    }
  }
  throwAll(failures, "errors removing all credentials:\n\t* ", "\n\t* ");
}

async function clearFile(settings: CredentialStoreSettings, options: CallOptions): Promise<void> {
  const place = placeToWrite(settings);
  const helpers = readAuthFile(place)?.credHelpers ?? [];
  await updating(place, async () => {
    for (const [registry, helper] of helpers)
      await eraseFromHelper(settings.askHelper, helper, registry, options);
  });
  await edit(place, { kind: "clear" }, options);
}

/** A helper that is configured but not installed has nothing to forget. */
async function clearHelper(
  { askHelper }: CredentialStoreSettings,
  helper: string,
  options: CallOptions,
): Promise<void> {
  const servers = await listHelper(askHelper, helper, options).catch((error: unknown) => {
    if (error instanceof ConfigError && error.message.includes("executable file not found"))
      return [];
    throw error;
  });
  for (const server of servers) await eraseFromHelper(askHelper, helper, server, options);
}

function placeToWrite({ environment, choice }: CredentialStoreSettings): AuthPath {
  const place = authPathToWrite(environment, choice);
  makeFolderOf(place.path);
  return place;
}

async function edit(place: AuthPath, change: AuthEdit, options: CallOptions): Promise<void> {
  await withLock(
    place.path,
    (target) => {
      readAuthFile({ ...place, path: target }); // what cannot be read must not be written over
      const text = readIfThere(target)?.toString("utf8");
      replaceFile(target, editAuthFile(text, change, place.docker ? "docker" : "containers"));
    },
    options,
  );
}

async function updating<T>({ path }: AuthPath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `updating ${JSON.stringify(path)}: ${error.message}`, {
      file: path,
      cause: error,
    });
  }
}
