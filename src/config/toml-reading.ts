import { ConfigError } from "./errors.ts";
import { type TomlTable, TomlTypeError } from "./toml-fields.ts";

/**
 * Reads a TOML text by `read`. The parser is loaded here, for those who have such a file.
 *
 * @throws {ConfigError} `config.invalid`: `toml: line 3: …` or the reference's text of what is wrong
 */
export async function readToml<T>(text: string, read: (table: TomlTable) => T): Promise<T> {
  const { parse, TomlError } = await import("smol-toml");
  const readText = (part: string) => read(parse(part));
  try {
    return readText(text);
  } catch (cause) {
    if (cause instanceof TomlError) throw invalid(`line ${cause.line}: ${firstLine(cause)}`, cause);
    if (!(cause instanceof TomlTypeError)) throw cause;
    const line = lineOf(cause, text, readText);
    throw invalid(`line ${line} (last key "${cause.key}"): ${cause.message}`, cause);
  }
}

function invalid(what: string, cause: Error): ConfigError {
  return new ConfigError("config.invalid", `toml: ${what}`, { cause });
}

function firstLine(error: Error): string {
  return error.message.split("\n", 1)[0] ?? "";
}

/** The parser does not say where a value stood: the shortest beginning of the text with the same fault does. */
function lineOf(fault: TomlTypeError, text: string, read: (text: string) => unknown): number {
  const lines = text.split("\n");
  for (let count = 1; count < lines.length; count++) {
    try {
      read(lines.slice(0, count).join("\n"));
    } catch (error) {
      if (error instanceof TomlTypeError && error.key === fault.key) return count;
    }
  }
  return lines.length;
}
