import { createGate } from "../../policy/gate.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { createTransfers } from "../../src/copy/transfers.ts";
import { Compression } from "../../src/stream/recompress.ts";
import type { FoundImage } from "../../src/sync/ends.ts";
import type { SyncEvent, SyncSummary } from "../../src/sync/events.ts";
import type { MirrorRule } from "../../src/sync/mirror.ts";
import type { MirrorParts, MirrorSteps } from "../../src/sync/parts.ts";
import { runMirror } from "../../src/sync/run-mirror.ts";
import type { Engine } from "./engine.ts";
import { noTrust } from "./no-trust.ts";
import { SteppedClock } from "./stepped-clock.ts";

/** A rule for all tags of one repository, unless told otherwise; `to` is another repository. */
export function mirrorRule(from: string, to: string, more: Partial<MirrorRule> = {}): MirrorRule {
  return {
    name: from,
    from: { kind: "place", text: from, end: "source" },
    to: { template: to, replace: [], suffix: "", end: "destination" },
    tags: {
      list: undefined,
      include: [],
      exclude: [],
      semver: undefined,
      newest: undefined,
      newestBy: "version",
      maxAgeMs: undefined,
    },
    copy: {
      select: { type: "system" },
      platform: { os: "linux", architecture: "amd64" },
      preserveDigests: false,
      removeSignatures: false,
      compression: { force: false },
    },
    companions: { referrers: "none", digestTags: false },
    existing: { kind: "update" },
    prune: undefined,
    ...more,
  };
}

/** Lists one repository's tags and keeps them; all other steps do nothing. */
export const plainSteps: MirrorSteps = {
  async *enumerate({ name, from, to, tags }, { ends, report, signal }) {
    if (from.kind !== "place") throw new Error("a test's rule is one repository");
    const source = await ends.open(from.end);
    const destination = await ends.open(to.end);
    const any = await source.resolve(`${from.text}:any`, "source", { signal });
    report({ type: "listing", rule: name, what: from.text });
    const listed = tags.list ?? (await any.transport.listTags?.(any.reference, { signal })) ?? [];
    report({
      type: "listed",
      rule: name,
      what: from.text,
      found: listed.length,
      taken: listed.length,
    });
    for (const tag of listed) {
      const image: FoundImage = {
        from: await source.resolve(`${from.text}:${tag}`, "source", { signal }),
        to: await destination.resolve(`${to.template}:${tag}`, "destination", { signal }),
      };
      yield image;
    }
  },
  lookAtExisting: async () => ({ type: "go-on" }),
  copyCompanions: async () => {},
  prune: async () => {},
};

/** What a run came to. */
export interface MirrorRun {
  readonly summary: SyncSummary;
  readonly events: readonly SyncEvent[];
}

/** Runs rules with an engine; every part may be another. */
export async function mirrorWith(
  engine: Engine,
  rules: readonly MirrorRule[],
  more: Partial<MirrorParts> = {},
): Promise<MirrorRun> {
  const events: SyncEvent[] = [];
  const summary = await runMirror(
    { rules },
    {
      ends: { open: async () => ({ resolve: (text, as) => engine.end(text, as) }) },
      gate: createGate(acceptAnything, noTrust),
      transfers: createTransfers(6),
      compression: new Compression({ parallel: 2 }),
      steps: plainSteps,
      clock: new SteppedClock(),
      random: () => 0.5,
      signal: new AbortController().signal,
      parallel: 16,
      retries: 0,
      keepGoing: false,
      dryRun: false,
      ...more,
      report: (event) => {
        events.push(event);
        more.report?.(event);
      },
    },
  );
  return { summary, events };
}

/** The outcomes of all images, by the tag they have at the destination. */
export function outcomes(events: readonly SyncEvent[]): ReadonlyMap<string, string> {
  return new Map(
    events.flatMap((event) =>
      event.type === "image-ended"
        ? [[event.item.to.docker?.tag ?? event.item.to.text, event.outcome.type] as const]
        : [],
    ),
  );
}
