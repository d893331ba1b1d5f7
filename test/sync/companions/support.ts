import { createGate, type Gate } from "../../../policy/gate.ts";
import { acceptAnything } from "../../../policy/policy.ts";
import { createTransfers } from "../../../src/copy/transfers.ts";
import type { Digest } from "../../../src/core/digest.ts";
import { Compression } from "../../../src/stream/recompress.ts";
import {
  type CopyCompanions,
  createCopyCompanions,
} from "../../../src/sync/companions/copy-companions.ts";
import type { SyncEvent } from "../../../src/sync/events.ts";
import type { Companions } from "../../../src/sync/mirror.ts";
import { Engine } from "../../support/engine.ts";
import { noTrust } from "../../support/no-trust.ts";
import type { Registry, SeedImage } from "../../support/registry.ts";

export const everything: Companions = { referrers: "all", digestTags: true };
export const docker = (registry: { readonly host: string }, rest: string) =>
  `docker://${registry.host}/${rest}`;

export interface BringOptions {
  readonly gate?: Gate;
  readonly dryRun?: boolean;
  readonly instances?: readonly Digest[];
  readonly copyCompanions?: CopyCompanions;
  readonly signal?: AbortSignal;
  readonly engine?: Engine;
}

/** What was told while the companions of an image were brought, in short: `companion what`. */
export interface Told {
  readonly lines: readonly string[];
  readonly events: readonly SyncEvent[];
}

/** Brings the companions of an image that stands at both ends. */
export async function bringCompanions(
  from: string,
  to: string,
  digest: Digest,
  wanted: Companions,
  options: BringOptions = {},
): Promise<Told> {
  const events: SyncEvent[] = [];
  const { gate = createGate(acceptAnything, noTrust), dryRun = false, instances } = options;
  const { signal = new AbortController().signal } = options;
  await using engine = new Engine();
  const ends = {
    from: await engine.end(from, "source"),
    to: await engine.end(to, "destination"),
  };
  const item = { number: 1, rule: "test", from: ends.from.reference, to: ends.to.reference };
  const bring = options.copyCompanions ?? createCopyCompanions();
  await bring({ item, ...ends }, digest, wanted, {
    report: (event) => events.push(event),
    dryRun,
    signal,
    parts: { gate, transfers: createTransfers(6), compression: new Compression({ parallel: 1 }) },
    ...(instances && { instances }),
  });
  return { lines: events.map(lineOf).sort(), events };
}

function lineOf(event: SyncEvent): string {
  if (event.type === "companion") return `companion ${event.what}`;
  if (event.type === "companion-left") return `left ${event.what}: ${event.why}`;
  return event.type;
}

/** What stands in a list of referrers as `entry` says. */
export interface ListedArtifact extends SeedImage {
  readonly entry: object;
}

/** Puts something into a registry, and lists it as a referrer where it has no API. */
export function seedReferrers(
  registry: Registry,
  subject: Digest,
  artifacts: readonly ListedArtifact[],
): void {
  for (const artifact of artifacts) registry.seed("app", undefined, artifact);
  if (registry.features.referrers) return;
  const manifests = artifacts.map(({ entry }) => entry);
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  registry.seed("app", subject.replace(":", "-"), {
    blobs: new Map(),
    manifests: [{ mediaType, bytes }],
  });
}
