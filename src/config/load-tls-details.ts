import { ConfigError } from "./errors.ts";
import { type FlatValue, parseFlatYaml } from "./flat-yaml.ts";
import { readFile } from "./load-file.ts";
import { readTlsDetails, type TlsDetails } from "./tls-details.ts";

/**
 * Reads the file of `--tls-details`.
 *
 * @throws {ConfigError} `config.unreadable` or `config.invalid`
 */
export function loadTlsDetails(path: string): TlsDetails {
  const quoted = JSON.stringify(path);
  const text = within(path, `reading ${quoted}`, () => readFile(path).toString("utf8"));
  const values = within(path, `parsing ${quoted}`, () => checkMembers(parseFlatYaml(text)));
  return within(path, `parsing TLS details ${quoted}`, () =>
    readTlsDetails({
      ...textMember(values, "minVersion"),
      ...listMember(values, "cipherSuites"),
      ...listMember(values, "namedGroups"),
    }),
  );
}

function within<T>(file: string, doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `${doing}: ${error.message}`, { file, cause: error });
  }
}

type Values = ReadonlyMap<string, FlatValue>;

function checkMembers(values: Values): Values {
  for (const [name, value] of values) {
    const isText = typeof value === "string";
    const known =
      name === "minVersion"
        ? value === undefined || isText
        : (name === "cipherSuites" || name === "namedGroups") && !isText;
    if (!known)
      throw new ConfigError("config.invalid", `member ${name} is unknown or of another type`);
  }
  return values;
}

function textMember<Name extends string>(
  values: Values,
  name: Name,
): { readonly [K in Name]?: string } {
  const value = values.get(name);
  return typeof value === "string" ? ({ [name]: value } as { [K in Name]: string }) : {};
}

function listMember<Name extends string>(
  values: Values,
  name: Name,
): { readonly [K in Name]?: readonly string[] } {
  const value = values.get(name);
  return typeof value === "object" ? ({ [name]: value } as { [K in Name]: readonly string[] }) : {};
}
