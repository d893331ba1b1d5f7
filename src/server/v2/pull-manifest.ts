import type { Decision } from "../admission.ts";
import type { AuditEvent } from "../audit.ts";
import type { ServedRepository } from "../repository-name.ts";
import { acceptsType, unacceptable } from "./accept.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { HeldManifest, ManifestReference } from "./backend.ts";
import { printsOnlyAfterHead } from "./client-family.ts";
import { namesDigest } from "./entity-tags.ts";
import type { Exchange, HeaderList } from "./exchange.ts";
import { demand } from "./rights.ts";
import { note, type Service } from "./service.ts";
import { isForPushing, mayPush, quoted, type Refused, refusalAnswer } from "./verdicts.ts";

/** GET and HEAD of a manifest: no byte of it leaves before it is admitted. */
export async function pullManifest(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { reference }: { readonly reference: ManifestReference },
): Promise<void> {
  demand(service, exchange, repository, "pull");
  exchange.isForPushing = exchange.head && mayPush(service, exchange, repository);
  const backend = service.parts.backendOf(repository);
  const manifest = await backend.readManifest(repository, reference, exchange);
  if (manifest === undefined) throw unknown("manifest unknown", reference);
  if (!acceptsType(exchange.header("accept"), manifest.mediaType)) {
    throw unknown(unacceptable(manifest.mediaType), reference);
  }
  const decision = await admit(service, exchange, repository, { reference, manifest });
  const headers = headersOf(manifest, reference, exchange);
  if (namesDigest(exchange.header("if-none-match"), manifest.digest)) {
    exchange.answer(304, headers);
    return;
  }
  exchange.answer(200, headers, manifest.bytes);
  if (exchange.head) return;
  const read = reference.type === "tag" ? { reference: reference.tag } : {};
  const digest = manifest.digest;
  note(service, exchange, repository, { type: "pull", ...read, digest, ...decidedBy(decision) });
}

/** For the audit log. */
function decidedBy(decision: Decision | undefined): Pick<AuditEvent, "decision" | "policy"> {
  const { id, policy } = decision ?? {};
  return { ...(id !== undefined && { decision: id }), ...(policy !== undefined && { policy }) };
}

/**
 * An answer to HEAD holds nothing of a manifest, so that it may pass where the refusal is to be read from the GET: unless
 * that GET, which is by digest, would be let go.
 */
async function admit(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { reference, manifest }: { reference: ManifestReference; manifest: HeldManifest },
): Promise<Decision | undefined> {
  const { admission } = service.parts;
  if (admission === undefined) return undefined;
  const decision = await admission.admitManifest(repository, reference, manifest, exchange);
  if (decision.allowed || decision.at === "blob") return decision;
  const answer = refusalAnswer(exchange, decision);
  if (exchange.head && mayPass(service, exchange, repository, { reference, decision })) {
    return decision;
  }
  if (decision.status === 403) {
    note(service, exchange, repository, {
      type: "refused",
      ...(reference.type === "tag" && { reference: reference.tag }),
      digest: manifest.digest,
      ...decidedBy(decision),
      detail: decision.reason,
    });
  }
  throw answer;
}

function mayPass(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { reference, decision }: { reference: ManifestReference; decision: Refused },
): boolean {
  // Who has its bytes already asks no further: they would go on with what was blocked since.
  if (decision.tagOnly === true || decision.blocked === true) return false;
  const asksAgain = printsOnlyAfterHead(exchange.header("user-agent"));
  const isPush =
    reference.type === "digest" && isForPushing(service, exchange, repository, decision);
  return asksAgain || isPush;
}

function headersOf(
  manifest: HeldManifest,
  reference: ManifestReference,
  { caller }: Exchange,
): HeaderList {
  const { digest, mediaType, stale } = manifest;
  const headers: (string | number)[] = [
    "Content-Type",
    mediaType,
    "Docker-Content-Digest",
    digest,
    "ETag",
    `"${digest}"`,
    "Cache-Control",
    reference.type === "tag" ? "no-cache" : forEver(caller.user),
  ];
  if (stale !== undefined) {
    headers.push("Warning", `299 - ${quoted(stale.warning)}`, "Age", Math.floor(stale.ageSeconds));
  }
  return headers;
}

/** What somebody in particular was given is not for caches that others share. */
export function forEver(user: string | undefined): string {
  return `${user === undefined ? "public" : "private"}, max-age=31536000, immutable`;
}

function unknown(message: string, reference: ManifestReference): RegistryAnswerError {
  const detail = reference.type === "tag" ? { Tag: reference.tag } : { digest: reference.digest };
  return new RegistryAnswerError("MANIFEST_UNKNOWN", message, { status: 404, detail });
}
