import { resolve } from "node:path";
import { loadEnvironment } from "../../config/load-environment.ts";
import { readFile } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { CliError, UsageWithHelp } from "../errors.ts";
import type { SetupAuthority, SetupRegistry, SetupRequest } from "../setup/client-setup.ts";
import { clientSetups } from "../setup/clients.ts";
import { parseEndpoint, parseRegistry } from "../setup/endpoint.ts";
import { showNotes, showSetup } from "../setup/show-setup.ts";
import { writeSetup } from "../setup/write-setup.ts";

/** `setup CLIENT`: prints, or writes, what leads a client through the server and nowhere else. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, terminal } = context;
  const [client = ""] = args;
  if (args.length !== 1) throw new UsageWithHelp("Exactly one argument expected");
  const setUp = clientSetups.get(client);
  if (!setUp)
    throw new UsageError(
      "usage.bad-flag",
      `${JSON.stringify(client)} is no client that can be set up: choose one of ${[...clientSetups.keys()].join(", ")}`,
    );
  const setup = setUp(requestOf(context));
  if (!flags.bool("write")) {
    if (flags.bool("force") || flags.changed("root"))
      throw new UsageError("usage.bad-flag", "--force and --root are for --write");
    return await terminal.out(showSetup(setup));
  }
  const root = resolve(loadEnvironment().cwd, flags.string("root") || "/");
  const written = await writeSetup(setup.files, { root, force: flags.bool("force") });
  const lines = written.map(({ path, done }) => `${said[done]} ${path}\n`).join("");
  await terminal.out(`${lines || "Nothing to write\n"}${showNotes(setup.notes)}`);
}

const said = { wrote: "Wrote", replaced: "Replaced", unchanged: "Unchanged:" } as const;

function requestOf({ flags }: CommandContext): SetupRequest {
  const endpoint = flags.string("endpoint");
  if (endpoint === "")
    throw new UsageError("usage.bad-flag", "--endpoint is needed: the address of the server");
  const ca = flags.string("ca");
  return {
    endpoint: parseEndpoint(endpoint),
    registries: distinct(flags.strings("registry").map(parseRegistry)),
    authority: ca === "" ? undefined : loadAuthority(ca),
  };
}

/** @throws {UsageError} where one is to be led to two places */
function distinct(registries: readonly SetupRegistry[]): readonly SetupRegistry[] {
  const known = new Map<string, SetupRegistry>();
  for (const registry of registries) {
    const { name, alias } = known.get(registry.name) ?? registry;
    if (alias !== registry.alias)
      throw new UsageError("usage.bad-flag", `--registry has two aliases for ${name}`);
    known.set(name, registry);
  }
  return [...known.values()];
}

/** @throws {CliError} `cli.bad-key` where it holds no certificate, or a key that would be shown to everybody */
function loadAuthority(file: string): SetupAuthority {
  const path = resolve(loadEnvironment().cwd, file);
  const pem = readFile(path).toString();
  if (!pem.includes("-----BEGIN CERTIFICATE-----"))
    throw new CliError("cli.bad-key", `${path} holds no certificate in PEM form`);
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    throw new CliError("cli.bad-key", `${path} holds a private key besides certificates`, {
      hint: "Name a file with the certificates alone: everybody may read where they are copied to",
    });
  return { path, pem: pem.endsWith("\n") ? pem : `${pem}\n` };
}
