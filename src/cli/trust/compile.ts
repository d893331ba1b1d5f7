import { dirname, join } from "node:path";
import { parsePolicy } from "../../../policy/parse.ts";
import { systemContainersDirectory } from "../../config/environment.ts";
import { ConfigError } from "../../config/errors.ts";
import { fileErrorText, listIfThere, readFile } from "../../config/load-file.ts";
import { findPolicyFile } from "../../config/load-policy-file.ts";
import { UsageError } from "../../core/errors.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";
import type { CommandContext } from "../context.ts";
import { CliError } from "../errors.ts";
import {
  changePolicy,
  formatPolicyDocument,
  membersOf,
  type PolicyDocument,
  setScope,
} from "./policy-document.ts";

/** `trust compile [FOLDER]`: one standard policy of the pieces in a folder. */
export async function compile(context: CommandContext): Promise<void> {
  const { args, flags, signal, terminal } = context;
  if (args.length > 1) throw new UsageError("usage.bad-flag", "At most one argument expected");
  const folder = args[0] ?? (await defaultFolder(context));
  const document = compilePieces(readPieces(folder));
  const output = flags.string("output");
  const text = formatPolicyDocument(document);
  parsePolicy(Buffer.from(text), folder);
  if (output === "") return await terminal.out(text);
  await changePolicy(output, () => document, { signal });
}

async function defaultFolder(context: CommandContext): Promise<string> {
  const { environment } = await context.parts();
  const { policyPath } = context.settings;
  try {
    return join(dirname(findPolicyFile(environment, policyPath).path), "policy.d");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return join(systemContainersDirectory(environment), "policy.d");
  }
}

interface Piece {
  readonly file: string;
  readonly bytes: Uint8Array;
}

function readPieces(folder: string): readonly Piece[] {
  const names = listOf(folder).filter((name) => name.endsWith(".json") && !name.startsWith("."));
  return names.map((name) => join(folder, name)).map((file) => ({ file, bytes: readFile(file) }));
}

function listOf(folder: string): readonly string[] {
  try {
    const entries = listIfThere(folder);
    if (entries) return entries.map(({ name }) => name);
  } catch (error) {
    throw new ConfigError("config.unreadable", fileErrorText(error, "open", folder), {
      file: folder,
      cause: error,
    });
  }
  throw new ConfigError("config.unreadable", `open ${folder}: no such file or directory`, {
    file: folder,
  });
}

const REJECT: JsonValue = [new Map([["type", "reject"]])];

/**
 * Joins pieces of a policy. The same said twice is said once; different things of one scope are an error, since no order
 * of files should decide whom to trust.
 *
 * @throws {CliError} `cli.conflict` naming both files; {PolicyError} `policy.invalid`
 */
export function compilePieces(pieces: readonly Piece[]): PolicyDocument {
  const document: PolicyDocument = new Map();
  const saidBy = new Map<string, { readonly file: string; readonly text: string }>();
  const isNew = (what: string, value: JsonValue, file: string): boolean => {
    const text = formatPolicyDocument(new Map([["", value]]));
    const before = saidBy.get(what);
    if (before === undefined) saidBy.set(what, { file, text });
    else if (before.text !== text)
      throw new CliError(
        "cli.conflict",
        `${what} is defined differently in ${JSON.stringify(before.file)} and ${JSON.stringify(file)}`,
        { hint: "Keep it in one of the two files" },
      );
    return before === undefined;
  };
  for (const { file, bytes } of pieces) {
    const piece = parsePiece(bytes, file);
    const rest = piece.get("default");
    if (rest !== undefined && isNew("default", rest, file)) document.set("default", rest);
    for (const [transport, scopes] of membersOf(piece.get("transports")) ?? [])
      for (const [scope, wanted] of membersOf(scopes) ?? [])
        if (isNew(`${transport} scope ${JSON.stringify(scope)}`, wanted, file))
          setScope(document, { transport, scope }, wanted);
  }
  return document;
}

/** A piece may lack the default; everything else is checked as in a whole policy. */
function parsePiece(bytes: Uint8Array, file: string): PolicyDocument {
  const value = parsePieceJson(bytes, file);
  const whole = new Map(value);
  if (!whole.has("default")) whole.set("default", REJECT);
  parsePolicy(Buffer.from(formatPolicyDocument(whole)), file);
  return value;
}

function parsePieceJson(bytes: Uint8Array, file: string): Map<string, JsonValue> {
  try {
    const members = membersOf(parseStrictJson(bytes, { maxDepth: 1_000 }));
    if (members) return members;
  } catch (error) {
    // What is wrong with it is best said by the policy's own reader.
    parsePolicy(bytes, file);
    throw error;
  }
  parsePolicy(bytes, file);
  return new Map();
}
