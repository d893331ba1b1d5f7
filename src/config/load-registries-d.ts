import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeUtf8 } from "../core/utf8.ts";
import {
  type Environment,
  systemContainersDirectory,
  userContainersDirectory,
} from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { fileErrorText, isAbsent, readIfThere, systemCode } from "./load-file.ts";
import { mergeRegistriesD, type RegistriesD } from "./registries-d.ts";
import { parseMoreLookasides, parseRegistriesDFile } from "./registries-d-file.ts";

/**
 * Where registries.d is: what was named, else the user's where there is one, else the system's — `specs/signing.md` 3.1.
 *
 * @param explicit `--registries.d`
 */
export function findRegistriesD(environment: Environment, explicit?: string): string {
  if (explicit) return explicit;
  const user = join(userContainersDirectory(environment), "registries.d");
  const system = join(systemContainersDirectory(environment), "registries.d");
  return isThere(user) ? user : system;
}

/**
 * Reads the `.yaml` files of registries.d, and ours beside them (`.x-amphora.yml`). No folder: nothing is set.
 *
 * @throws {ConfigError} `config.invalid`, `config.unreadable`
 */
export async function loadRegistriesD(
  environment: Environment,
  explicit?: string,
): Promise<RegistriesD> {
  const folder = findRegistriesD(environment, explicit);
  const names = listNames(folder);
  const texts = (ending: string) =>
    names
      .filter((name) => name.endsWith(ending))
      .map((name) => join(folder, name))
      .flatMap((path) => textOf(path));
  const standard = texts(".yaml");
  const ours = texts(".x-amphora.yml");
  if (standard.length + ours.length === 0) return mergeRegistriesD([]);
  const yaml = await import("yaml"); // a third of the program's start where it is needed, so only there
  return mergeRegistriesD(
    standard.map(({ text, path }) => parseRegistriesDFile(yaml, text, path)),
    ours.map(({ text, path }) => parseMoreLookasides(yaml, text, path)),
  );
}

/** Sorted, so that of two mistakes the same is told each time. */
function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    const call = systemCode(error) === "ENOTDIR" ? "readdirent" : "open"; // Go opens a file, and cannot list it
    throw new ConfigError("config.unreadable", fileErrorText(error, call, folder), {
      file: folder,
      cause: error,
    });
  }
}

/** None where the file went away in the meantime. */
function textOf(path: string): readonly { readonly path: string; readonly text: string }[] {
  const bytes = readIfThere(path);
  return bytes ? [{ path, text: decodeUtf8(bytes) }] : [];
}

function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
