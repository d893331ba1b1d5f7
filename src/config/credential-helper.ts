import { ContentError } from "../core/errors.ts";
import { goText } from "../core/go-scalars.ts";
import { always, goMapOf, goStruct } from "../core/go-struct.ts";
import { type GoType, readAs } from "../core/go-type.ts";
import { parseJsonText } from "../core/json-text.ts";
import type { Credentials, PasswordCredentials } from "./credentials.ts";
import { ConfigError } from "./errors.ts";

/** The argument of a helper's program. */
export type HelperAction = "get" | "store" | "erase" | "list";

/** What a helper said: its standard output, and how it failed if it did (`exit status 1`). */
export interface HelperAnswer {
  readonly stdout: string;
  readonly failure?: string;
}

/** Asks a helper: runs its program with the action as argument and the input on standard input. */
export type AskHelper = (
  helper: string,
  action: HelperAction,
  input: string,
  options: { readonly signal: AbortSignal },
) => Promise<HelperAnswer>;

const helperCredentials = goStruct("credentials.Credentials", {
  ServerURL: always(goText),
  Username: always(goText),
  Secret: always(goText),
});
const helperList = goMapOf(goText);

/** Its phrases on standard output are the protocol (registry.md 2.8). */
const NOT_FOUND = "credentials not found in native keychain";
const MISSING: readonly string[] = ["no credentials server URL", "no credentials username"];

/**
 * The program of a helper: `docker-credential-<name>`, looked up in PATH.
 *
 * @throws {ConfigError} `config.helper-failed` for a name that could be anything but a file's name
 */
export function helperProgram(name: string): string {
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw new ConfigError(
      "config.helper-failed",
      `credential helper name ${JSON.stringify(name)} is not valid`,
    );
  return `docker-credential-${name}`;
}

/**
 * Asks a helper for a registry's credentials; undefined where it has none.
 *
 * @throws {ConfigError} `config.helper-failed`
 */
export async function getFromHelper(
  ask: AskHelper,
  helper: string,
  registry: string,
  options: { readonly signal: AbortSignal },
): Promise<Credentials | undefined> {
  const answer = await ask(helper, "get", registry, options);
  if (answer.failure !== undefined) {
    if (answer.stdout.trim() === NOT_FOUND) return undefined;
    throw failed("getting", answer);
  }
  const { Username: username, Secret: secret } = readAnswer(answer.stdout, helperCredentials);
  if (username === "" && secret === "") return undefined;
  return username === "<token>" ? { identityToken: secret } : { username, password: secret };
}

/** @throws {ConfigError} `config.helper-failed` */
export async function storeInHelper(
  ask: AskHelper,
  helper: string,
  registry: string,
  credentials: PasswordCredentials,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const { username, password } = credentials;
  const input = JSON.stringify({ ServerURL: registry, Username: username, Secret: password });
  const answer = await ask(helper, "store", input, options);
  if (answer.failure !== undefined) throw failed("storing", answer);
}

/**
 * Has a helper forget a registry.
 *
 * @returns false where it had nothing
 * @throws {ConfigError} `config.helper-failed`
 */
export async function eraseFromHelper(
  ask: AskHelper,
  helper: string,
  registry: string,
  options: { readonly signal: AbortSignal },
): Promise<boolean> {
  const answer = await ask(helper, "erase", registry, options);
  if (answer.failure === undefined) return true;
  if (answer.stdout.trim() === NOT_FOUND) return false;
  throw failed("erasing", answer);
}

/**
 * The registries a helper knows.
 *
 * @throws {ConfigError} `config.helper-failed`
 */
export async function listHelper(
  ask: AskHelper,
  helper: string,
  options: { readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const answer = await ask(helper, "list", "unused", options);
  if (answer.failure !== undefined) throw failed("listing", answer);
  return [...(readAnswer(answer.stdout, helperList) ?? new Map()).keys()];
}

/** The first value of what a helper wrote: as the reference does, what it says after that is passed over. */
function readAnswer<T>(text: string, type: GoType<T>): T {
  try {
    if (text.trim() === "") throw new ContentError("content.bad-json", "EOF");
    const node = parseJsonText(text, { maxDepth: 100, firstOnly: true });
    return readAs(type, node, "content.bad-json");
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    const reason = error.message.replace(/^unexpected end of JSON input$/, "unexpected EOF");
    throw new ConfigError("config.helper-failed", reason);
  }
}

/** The output of a failed run is its message; a helper that fails gives no secret. */
function failed(doing: string, { stdout, failure }: HelperAnswer): ConfigError {
  const out = stdout.trim().slice(0, 1_024);
  const text = MISSING.includes(out)
    ? out
    : `error ${doing} credentials - err: ${failure}, out: \`${out}\``;
  return new ConfigError("config.helper-failed", text);
}
