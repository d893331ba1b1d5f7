import { type DockerReference, parseDockerReference } from "../core/docker-reference.ts";
import { ConfigError } from "./errors.ts";

/** Short names and what they stand for; undefined where a file takes an earlier alias back by `""`. */
export type Aliases = ReadonlyMap<string, DockerReference | undefined>;

/**
 * Checks the `[aliases]` table. All faults are told at once, a line each.
 *
 * @throws {ConfigError} `config.invalid`
 */
export function readAliases(table: ReadonlyMap<string, string>): Aliases {
  const faults: string[] = [];
  const aliases = new Map<string, DockerReference | undefined>();
  for (const [name, value] of table) {
    const fault = shortNameFault(name);
    if (fault) faults.push(fault);
    if (value === "") aliases.set(name, undefined);
    else {
      const target = aliasTarget(value);
      if (typeof target === "string") faults.push(target);
      else aliases.set(name, target);
    }
  }
  if (faults.length > 0)
    throw new ConfigError("config.invalid", `validating short-name aliases: ${faults.join("\n")}`);
  return aliases;
}

function shortNameFault(name: string): string | undefined {
  const reference = tryParse(name);
  const quoted = JSON.stringify(name);
  if (typeof reference === "string") return `cannot parse short name: ${quoted}: ${reference}`;
  if (reference.digest !== undefined)
    return `invalid short name ${quoted}: must not contain digest`;
  if (reference.tag !== undefined) return `invalid short name ${quoted}: must not contain tag`;
  if (hasRegistry(name)) return `invalid short name ${quoted}: must not contain registry`;
  return undefined;
}

/** The reference, or what is wrong with it. */
function aliasTarget(value: string): DockerReference | string {
  const reference = tryParse(value);
  const quoted = JSON.stringify(value);
  if (typeof reference === "string") return `parsing alias ${quoted}: ${reference}`;
  if (reference.digest !== undefined) return `invalid alias ${quoted}: must not contain digest`;
  if (reference.tag !== undefined) return `invalid alias ${quoted}: must not contain tag`;
  if (!hasRegistry(value)) return `invalid alias ${quoted}: must contain registry and repository`;
  return reference;
}

function hasRegistry(name: string): boolean {
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  return first === "localhost" || /[.:]/.test(first);
}

function tryParse(text: string): DockerReference | string {
  try {
    return parseDockerReference(text);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
