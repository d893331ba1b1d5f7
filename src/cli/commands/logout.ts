import { parseLoginArgument } from "../../config/credentials.ts";
import { checkAuthFile } from "../../config/load-auth-paths.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import {
  authFileFlags,
  type LoginStore,
  loginEndSettings,
  oneRegistry,
  openLoginStore,
} from "../login-store.ts";

/** `logout REGISTRY` or `logout --all`: forgets stored credentials. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, signal, terminal } = context;
  const files = authFileFlags(context);
  checkAuthFile(files.authFile);
  checkAuthFile(files.compatAuthFile);
  if (flags.bool("all")) {
    if (args.length > 0) throw new UsageError("usage.bad-flag", "--all takes no arguments");
    const store = await openLoginStore(context);
    await store.store.removeAll({ signal });
    return terminal.out("Removed login credentials for all registries\n");
  }
  const { key, registry } = parseLoginArgument(oneRegistry(args, "logout"));
  const during = `logging out of ${JSON.stringify(key)}`;
  const store = await openLoginStore(context, during);
  const removed = await withPrefix(during, () => store.store.remove(key, { signal }));
  if (removed) return terminal.out(`Removed login credentials for ${key}\n`);
  await explain(context, store, { key, registry });
}

/** What docker's own login stored is not ours to remove, but worth telling of. */
async function explain(
  context: CommandContext,
  { find }: LoginStore,
  { key, registry }: { readonly key: string; readonly registry: string },
): Promise<void> {
  const { signal, terminal } = context;
  const found = await withPrefix("get credentials", async () => find(registry, { signal }));
  const known = found?.credentials;
  const isGood =
    known !== undefined &&
    "password" in known &&
    known.username !== "" &&
    known.password !== "" &&
    (await isAccepted(context, registry, known));
  if (!isGood) throw new CliError("cli.login-failed", `not logged into ${key}`);
  await terminal.out(
    `Not logged into ${key} with current tool. Existing credentials were established via docker login. Please use docker logout instead.\n`,
  );
}

async function isAccepted(
  context: CommandContext,
  registry: string,
  credentials: { readonly username: string; readonly password: string },
): Promise<boolean> {
  const { signal } = context;
  const parts = await context.parts();
  try {
    await parts.checkLogin(registry, credentials, loginEndSettings(context), { signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KnownError) return false;
    throw error;
  }
}
