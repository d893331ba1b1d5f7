import { statSync } from "node:fs";
import { fileErrorText, isAbsent } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import { askPassphrase, readPassphraseFile } from "../passphrase.ts";
import { generateSigstoreKeys } from "../signer-makers.ts";
import { writeNamed } from "../trust/named-file.ts";

/** `generate-sigstore-key --output-prefix PREFIX`: PREFIX.private, encrypted, and PREFIX.pub. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, terminal } = context;
  const prefix = flags.string("output-prefix");
  if (args.length !== 0 || prefix === "")
    throw new UsageError("usage.bad-flag", "Usage: generate-sigstore-key --output-prefix PREFIX");
  const publicPath = `${prefix}.pub`;
  const privatePath = `${prefix}.private`;
  refuseExisting(publicPath);
  refuseExisting(privatePath);
  const file = flags.string("passphrase-file");
  const passphrase =
    file === "" ? await askPassphrase(context, privatePath) : readPassphraseFile(file);
  const keys = await withPrefix("Error generating key pair", () =>
    generateSigstoreKeys(passphrase),
  );
  const during = (path: string) => `Error writing private key to ${goQuote(path)}`;
  await writeNamed(privatePath, keys.privateKey, { mode: 0o600, during: during(privatePath) });
  await writeNamed(publicPath, keys.publicKey, { mode: 0o644, during: during(publicPath) });
  await terminal.out(`Key written to ${goQuote(privatePath)} and ${goQuote(publicPath)}\n`);
}

function refuseExisting(path: string): void {
  try {
    statSync(path);
  } catch (error) {
    if (isAbsent(error)) return;
    throw new CliError(
      "cli.unreadable",
      `Error checking existence of ${goQuote(path)}: ${fileErrorText(error, "stat", path)}`,
      { cause: error },
    );
  }
  throw new CliError("cli.exists", `Refusing to overwrite existing ${goQuote(path)}`);
}
