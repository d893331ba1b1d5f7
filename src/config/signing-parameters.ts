import type { Node } from "yaml";
import { decodeUtf8 } from "../core/utf8.ts";
import { ConfigError } from "./errors.ts";
import { readFile } from "./load-file.ts";
import { YamlReading } from "./yaml-reading.ts";

/** How to sign by sigstore — containers-sigstore-signing-params.yaml(5). */
export interface SigningParameters {
  readonly privateKeyFile?: string;
  readonly privateKeyPassphraseFile?: string;
  readonly rekorURL?: string;
  /** Present where a certificate of Fulcio's is asked for, whatever it says. */
  readonly fulcio?: Readonly<Record<string, string>>;
}

const rootType = "params.SigningParameterFile";
const fulcioType = "params.SigningParameterFileFulcio";
const rootMembers = ["privateKeyFile", "privateKeyPassphraseFile", "rekorURL"];
const fulcioMembers = [
  "fulcioURL",
  "oidcMode",
  "oidcIssuerURL",
  "oidcClientID",
  "oidcClientSecret",
  "oidcIDToken",
];

/**
 * Reads the file of `--sign-by-sigstore`; unknown members are errors.
 *
 * @throws {ConfigError} `config.invalid` or `config.unreadable`, in the reference's words
 */
export async function loadSigningParameters(path: string): Promise<SigningParameters> {
  const shown = JSON.stringify(path);
  const during = `setting up signing using parameter file ${shown}`;
  const text = decodeUtf8(told(`${during}: reading ${shown}`, path, () => readFile(path)));
  if (/^\s*$/.test(text)) throw invalid(`${during}: parsing ${shown}: EOF`, path);
  const yaml = await import("yaml");
  return told(during, path, () => parse(new YamlReading(yaml, text, path, shown)));
}

function parse(reading: YamlReading): SigningParameters {
  const found: Record<string, string> = {};
  let fulcio: Readonly<Record<string, string>> | undefined;
  for (const [name, value, line] of reading.members(reading.root, rootType)) {
    if (name === "fulcio") {
      if (!reading.isNull(value)) fulcio = readFulcio(reading, value);
    } else if (rootMembers.includes(name)) found[name] = reading.text(value) ?? "";
    else reading.notFound(name, line, rootType);
  }
  reading.end();
  return { ...given(found), ...(fulcio && { fulcio }) };
}

function readFulcio(reading: YamlReading, node: Node | null): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, value, line] of reading.members(node, fulcioType)) {
    if (fulcioMembers.includes(name)) found[name] = reading.text(value) ?? "";
    else reading.notFound(name, line, fulcioType);
  }
  return given(found);
}

/** An empty text counts as none. */
function given(found: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(found).filter(([, text]) => text !== ""));
}

function told<T>(during: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `${during}: ${error.message}`, { file: path, cause: error });
  }
}

function invalid(message: string, file: string): ConfigError {
  return new ConfigError("config.invalid", message, { file });
}
