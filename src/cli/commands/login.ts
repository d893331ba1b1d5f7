import {
  type Credentials,
  type PasswordCredentials,
  parseLoginArgument,
} from "../../config/credentials.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { CliError, prefixed, withPrefix } from "../errors.ts";
import { type LoginStore, loginEndSettings, oneRegistry, openLoginStore } from "../login-store.ts";
import { Prompt, readAllInput } from "../prompt.ts";

/** `login REGISTRY[/NAMESPACE]`: checks credentials with the registry, and keeps them. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, signal, terminal } = context;
  const argument = oneRegistry(args, "login");
  const store = await openLoginStore(context, "get credentials");
  const { key, registry } = parseLoginArgument(argument);
  const known = (await withPrefix("get credentials", async () => store.find(key, { signal })))
    ?.credentials;
  if (flags.changed("get-login")) return terminal.out(`${knownUser(known, key)}\n`);
  if (known && "identityToken" in known)
    throw new CliError(
      "cli.login-failed",
      "currently logged in, auth file contains an Identity token",
    );
  const password = await givenPassword(context);
  const isAsked = flags.string("username") !== "" || password !== "";
  if (!isAsked && known && (await stillGood(context, known, key, registry))) return;
  const credentials = await askFor(context, password, known?.username ?? "");
  await check(context, credentials, { key, registry });
  await keep(context, store, key, credentials);
  await terminal.out("Login Succeeded!\n");
}

function knownUser(known: Credentials | undefined, key: string): string {
  const username = known?.username ?? "";
  if (username === "") throw new CliError("cli.login-failed", `not logged into ${key}`);
  return username;
}

async function givenPassword({ flags, terminal, signal }: CommandContext): Promise<string> {
  const password = flags.string("password");
  if (!flags.bool("password-stdin")) return password;
  if (password !== "") throw bad("can't specify both --password-stdin and --password");
  if (flags.string("username") === "") throw bad("must provide --username with --password-stdin");
  return await readAllInput(terminal, signal);
}

/** Tries what is stored, where nothing was given. */
async function stillGood(
  context: CommandContext,
  known: PasswordCredentials,
  key: string,
  registry: string,
): Promise<boolean> {
  const { terminal, signal } = context;
  if (known.username === "" || known.password === "") return false;
  await terminal.out(`Authenticating with existing credentials for ${key}\n`);
  const parts = await context.parts();
  try {
    await parts.checkLogin(registry, known, loginEndSettings(context), { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof KnownError)) throw error;
    await terminal.out(
      "Existing credentials are invalid, please enter valid username and password\n",
    );
    return false;
  }
  await terminal.out(`Existing credentials are valid. Already logged in to ${registry}\n`);
  return true;
}

async function askFor(
  { flags, terminal, signal }: CommandContext,
  password: string,
  knownUsername: string,
): Promise<PasswordCredentials> {
  using prompt = new Prompt(terminal, signal);
  return await withPrefix("getting username and password", async () => {
    let username = flags.string("username");
    if (username === "") {
      const question = knownUsername === "" ? "Username: " : `Username (${knownUsername}): `;
      const answer = await prompt.line(question);
      username = answer.trim() === "" ? knownUsername : answer;
    }
    return {
      username: username.trim(),
      password: password === "" ? await prompt.secret("Password: ") : password,
    };
  });
}

async function check(
  context: CommandContext,
  credentials: PasswordCredentials,
  { key, registry }: { readonly key: string; readonly registry: string },
): Promise<void> {
  const { signal } = context;
  const parts = await context.parts();
  try {
    await parts.checkLogin(registry, credentials, loginEndSettings(context), { signal });
  } catch (error) {
    if (error instanceof KnownError && error.code === "registry.unauthorized")
      throw new CliError(
        "cli.login-failed",
        `logging into ${goQuote(key)}: invalid username/password`,
        { cause: error },
      );
    throw prefixed(`authenticating creds for ${goQuote(key)}`, error);
  }
}

async function keep(
  { flags, signal, terminal }: CommandContext,
  { store }: LoginStore,
  key: string,
  credentials: PasswordCredentials,
): Promise<void> {
  const where = await store.store(key, credentials, { signal });
  if (flags.bool("verbose")) await terminal.out(`Used:  ${where}\n`);
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
