import { accessSync } from "node:fs";
import { join } from "node:path";
import { type Environment, variable } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText, isAbsent } from "./load-file.ts";

/** An auth file that may be read. */
export interface AuthPath {
  readonly path: string;
  /** `.dockercfg`, which is its `auths` alone. */
  readonly legacy: boolean;
  /** Docker's own file, whose `credsStore` counts for docker. */
  readonly docker: boolean;
}

/** The one auth file to use, where somebody chose one. */
export interface AuthFileChoice {
  /** `--authfile` or `REGISTRY_AUTH_FILE`. */
  readonly authFile?: string;
  /** `--compat-auth-file`, or docker's config.json where `DOCKER_CONFIG` is set at login. */
  readonly compatAuthFile?: string;
}

/**
 * The choice for commands that only read credentials: `DOCKER_CONFIG` moves docker's file, but is no choice. An empty
 * flag unmakes the choice of REGISTRY_AUTH_FILE.
 */
export function chooseForReading(environment: Environment, flag?: string): AuthFileChoice {
  const authFile = flag ?? variable(environment, "REGISTRY_AUTH_FILE");
  return authFile ? { authFile } : {};
}

/**
 * The choice for login and logout, where `DOCKER_CONFIG` has them keep docker's file.
 *
 * @throws {ConfigError} `config.invalid` if both flags are given
 */
export function chooseForLogin(
  environment: Environment,
  flags: AuthFileChoice,
  onWarning: (text: string) => void,
): AuthFileChoice {
  const { authFile, compatAuthFile } = flags;
  const dockerFile = join(environment.home, ".docker", "config.json");
  if (authFile && compatAuthFile)
    throw new ConfigError(
      "config.invalid",
      "options for paths to the credential file and to the Docker-compatible credential file can not be set simultaneously",
    );
  if (authFile) {
    if (authFile === dockerFile)
      onWarning(
        "saving credentials to ~/.docker/config.json, but not using Docker-compatible file format",
      );
    return { authFile };
  }
  if (compatAuthFile) return { compatAuthFile };
  const fromVariable = variable(environment, "REGISTRY_AUTH_FILE");
  if (fromVariable !== undefined) {
    if (fromVariable === dockerFile)
      onWarning(
        "$REGISTRY_AUTH_FILE points to ~/.docker/config.json, but the file format is not fully compatible; use the Docker-compatible file path option instead",
      );
    return { authFile: fromVariable };
  }
  const dockerConfig = variable(environment, "DOCKER_CONFIG");
  return dockerConfig === undefined ? {} : { compatAuthFile: join(dockerConfig, "config.json") };
}

/** The auth files to read, in order; only the chosen one where there is a choice (registry.md 2.7). */
export function authPathsToRead(
  environment: Environment,
  choice: AuthFileChoice,
  onWarning: (text: string) => void,
): readonly AuthPath[] {
  const chosen = chosenPath(choice);
  if (chosen) return [chosen];
  const configHome = variable(environment, "XDG_CONFIG_HOME") ?? join(environment.home, ".config");
  const dockerConfig = variable(environment, "DOCKER_CONFIG") ?? join(environment.home, ".docker");
  return [
    ...firstPath(environment, onWarning),
    { path: join(configHome, "containers", "auth.json"), legacy: false, docker: false },
    { path: join(dockerConfig, "config.json"), legacy: false, docker: true },
    { path: join(environment.home, ".dockercfg"), legacy: true, docker: false },
  ];
}

/**
 * The file that login writes.
 *
 * @throws {ConfigError} `config.unreadable` if `XDG_RUNTIME_DIR` is set to a folder that does not exist
 */
export function authPathToWrite(environment: Environment, choice: AuthFileChoice): AuthPath {
  return chosenPath(choice) ?? { path: defaultPath(environment), legacy: false, docker: false };
}

function chosenPath({ authFile, compatAuthFile }: AuthFileChoice): AuthPath | undefined {
  if (compatAuthFile !== undefined) return { path: compatAuthFile, legacy: false, docker: true };
  if (authFile !== undefined) return { path: authFile, legacy: false, docker: false };
  return undefined;
}

/** A public image may be had without the first file, so that a wrong variable is no more than a warning. */
function firstPath(environment: Environment, onWarning: (text: string) => void): AuthPath[] {
  try {
    return [{ path: defaultPath(environment), legacy: false, docker: false }];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    onWarning(`${error.message}: Trying to pull image in the event that it is a public image.`);
    return [];
  }
}

function defaultPath(environment: Environment): string {
  const { home, platform, uid } = environment;
  if (platform !== "linux") return join(home, ".config", "containers", "auth.json");
  const runtime = variable(environment, "XDG_RUNTIME_DIR");
  if (runtime === undefined) return join("/run/containers", String(uid), "auth.json");
  try {
    accessSync(runtime);
  } catch (error) {
    if (isAbsent(error))
      throw new ConfigError(
        "config.unreadable",
        `${JSON.stringify(runtime)} directory set by $XDG_RUNTIME_DIR does not exist. Either create the directory or unset $XDG_RUNTIME_DIR.: ${fileErrorText(error, "faccessat", runtime)}`,
        { cause: error },
      );
  }
  return join(runtime, "containers", "auth.json");
}

/**
 * Makes sure that a file named by a flag is there: logout asks it of both of its files.
 *
 * @throws {ConfigError} `config.unreadable`
 */
export function checkAuthFile(path: string | undefined): void {
  if (!path) return;
  try {
    accessSync(path);
  } catch (error) {
    throw new ConfigError(
      "config.unreadable",
      `credential file is not accessible: ${fileErrorText(error, "faccessat", path)}`,
      { file: path, cause: error },
    );
  }
}
