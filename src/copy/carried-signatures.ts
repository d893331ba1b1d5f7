import { CopyError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import type { RawManifest } from "../core/manifest.ts";
import type { AdmittedImage } from "./admit.ts";
import type { CopyRequest } from "./copy-request.ts";
import type { Report } from "./events.ts";
import { telling } from "./failure.ts";
import { makeSignatures, whyNotKept } from "./sign.ts";

/** Refuses before any blob moves where the destination cannot keep the signatures. */
export async function checkSignatures(
  { manifest, signatures }: AdmittedImage,
  { destination, signal }: Pick<CopyRequest, "destination" | "signal">,
  report: Report,
  of: "image" | "list",
): Promise<void> {
  if (signatures.length === 0) return;
  report({ type: "signatures-checking", of });
  const { reference, traits } = destination;
  const formats = [...new Set(signatures.map(({ format }) => format))];
  if (formats.every((format) => traits.signatureFormats.includes(format))) {
    return await telling("writing signatures", "copy.destination-failed", async () =>
      destination.checkSignatureFormats?.(manifest.digest, formats, { signal }),
    );
  }
  throw new CopyError(
    "copy.signatures-would-be-lost",
    `Can not copy signatures to ${formatImageReference(reference)}: ${whyNotKept(reference.transport)}`,
    { hint: "Pass --remove-signatures to copy the image without them" },
  );
}

/** Makes the signatures wanted, and writes them, after those carried along, to the manifest they are of. */
export async function storeSignatures(
  { signatures: carried }: AdmittedImage,
  manifest: RawManifest,
  { signing, destination, report, signal }: CopyRequest,
  of: "image" | "list",
): Promise<void> {
  const toSign = { manifest: manifest.digest, carried, of };
  const made = await makeSignatures(signing, toSign, destination, { report, signal });
  const signatures = [...carried, ...made];
  if (signatures.length > 0 || of === "list") report({ type: "signatures-storing", of });
  if (signatures.length === 0) return;
  await telling("writing signatures", "copy.destination-failed", () =>
    destination.writeSignatures(manifest.digest, signatures, { signal }),
  );
}
