import type { Digest } from "../../core/digest.ts";
import { type RawManifest, readRawManifest } from "../../core/manifest.ts";
import { isManifestType, isSchema1Type } from "../../core/media-type.ts";
import type { ServedRepository } from "../repository-name.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { Backend, ManifestPut, ManifestReference } from "./backend.ts";
import { checkShape } from "./check-shape.ts";
import { insteadOf } from "./entity-tags.ts";
import type { Exchange, HeaderList } from "./exchange.ts";
import type { RepositoryOperation } from "./operation.ts";
import { readRequestBody } from "./request-body.ts";
import { demand, nameForRights } from "./rights.ts";
import { note, type Service } from "./service.ts";
import { located } from "./upload.ts";

/** What a manifest is put as. */
type PutOperation = Pick<RepositoryOperation, "path" | "query"> & {
  readonly reference: ManifestReference;
  /** Which it has, whatever it is put by; undefined: its sha256. */
  readonly digest: Digest | undefined;
  readonly tags: readonly string[];
};

/** PUT of a manifest: read strictly, signed before anybody can see it, and kept. */
export async function pushManifest(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: PutOperation,
): Promise<void> {
  demand(service, exchange, repository, "push");
  const { reference, digest: named } = operation;
  const manifest = await receive(service, exchange, named);
  const tags = reference.type === "tag" ? [reference.tag] : operation.tags;
  const puts = await plan(service, exchange, repository, { manifest, tags });
  const backend = service.parts.backendOf(repository);
  await sign(service, exchange, repository, { manifest, tags });
  let subject: Digest | undefined;
  for (const put of puts) {
    subject = (await backend.putManifest(repository, put, exchange)).subject;
  }
  const { digest } = manifest;
  for (const tag of tags.length === 0 ? [undefined] : tags) {
    const named = tag !== undefined && { reference: tag };
    note(service, exchange, repository, { type: "push", ...named, digest });
  }
  exchange.answer(201, headersOf(operation, digest, subject));
}

/** Location is by the digest: a tag may have moved on before the client comes to look. */
function headersOf(
  operation: PutOperation,
  digest: Digest,
  subject: Digest | undefined,
): HeaderList {
  const { reference, tags } = operation;
  return [
    "Location",
    located(operation, `manifests/${digest}`),
    "Docker-Content-Digest",
    digest,
    ...(subject === undefined ? [] : ["OCI-Subject", subject]),
    ...(reference.type === "tag" ? [] : tags.flatMap((tag) => ["OCI-Tag", tag])),
  ];
}

async function receive(
  { limits }: Service,
  exchange: Exchange,
  digest: Digest | undefined,
): Promise<RawManifest> {
  const called = exchange.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (called !== undefined && !isManifestType(called)) {
    throw invalid("Content-Type is not the media type of a manifest");
  }
  const bytes = await readRequestBody(exchange, limits.maxManifestBytes);
  const manifest = readRawManifest(bytes, {
    maxBytes: limits.maxManifestBytes,
    ...(called !== undefined && { contentType: called }),
    ...(digest !== undefined && { digest }),
  });
  const same = manifest.mediaType === called || isSchema1Type(manifest.mediaType);
  if (called !== undefined && !same)
    throw invalid("Content-Type is not the manifest's own media type");
  checkShape(manifest);
  return manifest;
}

function invalid(message: string): RegistryAnswerError {
  return new RegistryAnswerError("MANIFEST_INVALID", message, { status: 400 });
}

/**
 * How the manifest is put. Who may push but not overwrite puts each tag on the condition that it is what it was when it was
 * looked at: nothing, or this very manifest (zot's CVE-2026-31801).
 */
async function plan(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { manifest, tags }: { readonly manifest: RawManifest; readonly tags: readonly string[] },
): Promise<readonly ManifestPut[]> {
  const instead = conditionOf(exchange, tags);
  const name = nameForRights(service.parts, repository);
  if (tags.length === 0 || service.access.allows(exchange.caller, name, "overwrite")) {
    return [{ manifest, tags, ...(instead !== undefined && { instead }) }];
  }
  const backend = service.parts.backendOf(repository);
  const puts: ManifestPut[] = [];
  for (const tag of tags) {
    const held = await heldDigest(backend, exchange, repository, tag);
    if (held !== "nothing" && held !== manifest.digest) {
      demand(service, exchange, repository, "overwrite");
    }
    puts.push({ manifest, tags: [tag], instead: instead ?? held });
  }
  return puts;
}

async function heldDigest(
  backend: Backend,
  exchange: Exchange,
  repository: ServedRepository,
  tag: string,
): Promise<Digest | "nothing"> {
  const held = await backend.readManifest(repository, { type: "tag", tag }, exchange);
  return held?.digest ?? "nothing";
}

function conditionOf(exchange: Exchange, tags: readonly string[]): Digest | "nothing" | undefined {
  const instead = insteadOf(exchange.header("if-match"), exchange.header("if-none-match"));
  if (instead === undefined) return undefined;
  if (instead !== "bad" && tags.length === 1) return instead;
  throw new RegistryAnswerError("UNSUPPORTED", "the condition cannot be judged", { status: 400 });
}

async function sign(
  { parts }: Service,
  exchange: Exchange,
  repository: ServedRepository,
  { manifest, tags }: { readonly manifest: RawManifest; readonly tags: readonly string[] },
): Promise<void> {
  const backend = parts.backendOf(repository);
  const readInstance = (digest: Digest) =>
    backend.readManifest(repository, { type: "digest", digest }, exchange);
  await parts.signing?.sign({ repository, manifest, tags, readInstance }, exchange);
}
