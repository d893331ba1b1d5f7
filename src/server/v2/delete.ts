import type { Digest } from "../../core/digest.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { ManifestReference } from "./backend.ts";
import type { Exchange } from "./exchange.ts";
import { demand } from "./rights.ts";
import { note, type Service } from "./service.ts";

/** DELETE of a manifest with all its tags, or of one tag. */
export async function deleteManifest(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { reference }: { readonly reference: ManifestReference },
): Promise<void> {
  demandDeletion(service, exchange, repository);
  const backend = service.parts.backendOf(repository);
  if (!(await backend.deleteManifest(repository, reference, exchange))) {
    throw new RegistryAnswerError("MANIFEST_UNKNOWN", "manifest unknown", { status: 404 });
  }
  const what =
    reference.type === "tag" ? { reference: reference.tag } : { digest: reference.digest };
  note(service, exchange, repository, { type: "delete", ...what });
  exchange.answer(202, []);
}

/** DELETE of a blob. */
export async function deleteBlob(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { digest }: { readonly digest: Digest },
): Promise<void> {
  demandDeletion(service, exchange, repository);
  const backend = service.parts.backendOf(repository);
  if (!(await backend.deleteBlob(repository, digest, exchange))) {
    throw new RegistryAnswerError("BLOB_UNKNOWN", "blob unknown to registry", { status: 404 });
  }
  note(service, exchange, repository, { type: "delete", digest });
  exchange.answer(202, ["Docker-Content-Digest", digest]);
}

/** One door for all deletions (distribution's GHSA-6pjf had one for tags that the switch did not close). */
function demandDeletion(service: Service, exchange: Exchange, repository: ServedRepository): void {
  demand(service, exchange, repository, "delete");
  if (service.parts.deletion !== false) return;
  throw new RegistryAnswerError("UNSUPPORTED", "deletion is switched off", { status: 405 });
}
