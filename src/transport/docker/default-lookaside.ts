import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { algorithmOf, type Digest, hexOf } from "../../core/digest.ts";
import type { DockerReference } from "../../core/docker-reference.ts";
import { TransportError } from "../contract.ts";

const mostSignatures = 128;

/**
 * Reads the look-aside folder that counts where registries.d names none: `<folder>/<path>@<algorithm>=<hex>/signature-N`,
 * N from 1 to the first that is missing — `specs/signing.md` 3.2.
 *
 * @throws {TransportError} `transport.unreadable` where a signature is there and cannot be read
 */
export async function readDefaultLookaside(
  folder: string,
  { path }: DockerReference,
  manifest: Digest,
): Promise<readonly UntrustedSignature[]> {
  const images = join(folder, `${path}@${algorithmOf(manifest)}=${hexOf(manifest)}`);
  const signatures: UntrustedSignature[] = [];
  while (signatures.length < mostSignatures) {
    const bytes = await readIfThere(join(images, `signature-${signatures.length + 1}`));
    if (!bytes) break;
    signatures.push({ format: "simple-signing", bytes });
  }
  return signatures;
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new TransportError("transport.unreadable", `reading signature from ${file}`, {
      cause: error,
    });
  }
}
