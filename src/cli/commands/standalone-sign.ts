import { SignatureError } from "../../../sigstore/errors.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { parseDockerReference } from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import { manifestDigest } from "../../core/manifest.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { readPassphraseFile } from "../passphrase.ts";
import { openGpgSigner } from "../signer-makers.ts";
import { readNamed, writeNamed } from "../trust/named-file.ts";

/** `standalone-sign MANIFEST REFERENCE KEY -o FILE`: one signature over one manifest, from files. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags } = context;
  const [path, reference, key] = args;
  const output = flags.string("output");
  if (
    path === undefined ||
    reference === undefined ||
    key === undefined ||
    args.length !== 3 ||
    output === ""
  ) {
    throw new UsageError(
      "usage.bad-flag",
      "Usage: skopeo standalone-sign manifest docker-reference key-fingerprint -o signature",
    );
  }
  const manifest = readNamed(path, `Error reading ${path}`);
  warnOfOddReference(context, reference);
  const passphraseFile = flags.string("passphrase-file");
  const passphrase = passphraseFile === "" ? undefined : readPassphraseFile(passphraseFile);
  const signature = await withPrefix("Error creating signature", () =>
    sign(context, { manifest, reference, key, passphrase }),
  );
  if (signature.format !== "simple-signing") throw new Error("GnuPG made no simple signature");
  const during = `Error writing signature to ${output}`;
  await writeNamed(output, signature.bytes, { mode: 0o644, during });
}

async function sign(
  context: CommandContext,
  {
    manifest,
    reference,
    key,
    passphrase,
  }: {
    readonly manifest: Uint8Array;
    readonly reference: string;
    readonly key: string;
    readonly passphrase: Uint8Array | undefined;
  },
): Promise<UntrustedSignature> {
  if (reference === "")
    throw new SignatureError(
      "signature.cannot-sign",
      "json: error calling MarshalJSON for type signature.untrustedSignature: Unexpected empty signature content",
    );
  await using signer = await openGpgSigner(context, key, passphrase);
  const claim = { manifestDigest: manifestDigest(manifest), dockerReference: reference };
  return await signer.sign(claim, { signal: context.signal });
}

/** Any text is signed, as in skopeo; but nobody will accept it. */
function warnOfOddReference({ log, program }: CommandContext, reference: string): void {
  if (program === "skopeo") return;
  try {
    const { tag, digest } = parseDockerReference(reference);
    if (tag === undefined && digest === undefined)
      log.warning(
        `${reference} has neither tag nor digest: policies match it as a repository only`,
      );
  } catch {
    log.warning(`${reference} is no docker reference: no policy will accept this signature`);
  }
}
