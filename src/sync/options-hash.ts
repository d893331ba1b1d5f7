import type { CopyOptions } from "../copy/options.ts";
import type { Signing } from "../copy/sign.ts";
import { digestOf } from "../core/digest.ts";
import { formatDockerReference } from "../core/docker-reference.ts";

/** All that decides what a copy makes of a source besides the source itself, as a digest. */
export function optionsHash(options: CopyOptions, signing: Signing | undefined): string {
  const { select, platform, manifestType, preserveDigests, removeSignatures, compression } =
    options;
  const decides = [
    select.type === "platforms" ? select.platforms.map(platformOf) : select.type,
    select.type === "system" ? platformOf(platform) : null,
    manifestType ?? null,
    preserveDigests,
    removeSignatures,
    [compression.format ?? null, compression.level ?? null, compression.force],
    signing?.signers.map(({ format, keyId }) => [format, keyId]) ?? [],
    signing?.identity ? formatDockerReference(signing.identity) : null,
  ];
  return digestOf(Buffer.from(JSON.stringify(decides)));
}

function platformOf({ os, architecture, variant, ...rest }: CopyOptions["platform"]): unknown {
  return [os, architecture, variant ?? null, rest];
}
