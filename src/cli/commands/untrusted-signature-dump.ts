import { readUntrusted } from "../../../sigstore/simple-signing/describe.ts";
import { UsageError } from "../../core/errors.ts";
import { goString } from "../../core/go-json.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import { formatLocalTime } from "../go-time.ts";
import { readNamed } from "../trust/named-file.ts";

/** `untrusted-signature-dump-without-verification FILE`: what a signature says, which may all be false. */
export async function run({ args, terminal }: CommandContext): Promise<void> {
  const [path] = args;
  if (path === undefined || args.length !== 1) {
    throw new UsageError(
      "usage.bad-flag",
      "Usage: skopeo untrusted-signature-dump-without-verification signature",
    );
  }
  const bytes = readNamed(path, `Error reading untrusted signature from ${path}`);
  const { keyId, payload } = await withPrefix("Error decoding untrusted signature", async () =>
    readUntrusted(bytes),
  );
  const { manifestDigest, dockerReference, creator, timestamp } = payload;
  const members: readonly (readonly [name: string, value: string | undefined])[] = [
    ["UntrustedDockerManifestDigest", manifestDigest],
    ["UntrustedDockerReference", dockerReference],
    ["UntrustedCreatorID", creator],
    ["UntrustedTimestamp", timestamp === undefined ? undefined : localTime(timestamp)],
    ["UntrustedShortKeyIdentifier", keyId ?? "0".repeat(16)],
  ];
  const lines = members.map(
    ([name, value]) => `    "${name}": ${value === undefined ? "null" : goString(value)}`,
  );
  await terminal.out(`{\n${lines.join(",\n")}\n}\n`);
}

function localTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const year = date.getUTCFullYear();
  if (year >= 0 && year <= 9999) return formatLocalTime(date);
  throw new CliError(
    "cli.unreadable",
    "json: error calling MarshalJSON for type *time.Time: Time.MarshalJSON: year outside of range [0,9999]",
  );
}
