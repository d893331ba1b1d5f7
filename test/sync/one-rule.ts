import { createGate } from "../../policy/gate.ts";
import { acceptAnything } from "../../policy/policy.ts";
import { createTransfers } from "../../src/copy/transfers.ts";
import { Compression } from "../../src/stream/recompress.ts";
import { createSteps } from "../../src/sync/default-steps.ts";
import type { SyncEvent, SyncOutcome } from "../../src/sync/events.ts";
import type { Companions, ExistingRule, Mirror, MirrorRule } from "../../src/sync/mirror.ts";
import { runMirror } from "../../src/sync/run-mirror.ts";
import { Engine } from "../support/engine.ts";
import { noTrust } from "../support/no-trust.ts";
import type { Registry } from "../support/registry.ts";
import { SteppedClock } from "../support/stepped-clock.ts";

/** What a rule says besides from and to. */
export interface Wish {
  readonly existing?: ExistingRule;
  readonly companions?: Companions;
  readonly backup?: string;
  readonly prune?: MirrorRule["prune"];
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

/** Runs a mirror of all tags of one repository, and gives how each came out, by tag, and all that was told. */
export async function mirror(source: Registry, template: string, wish: Wish = {}) {
  const events: SyncEvent[] = [];
  await using engine = new Engine();
  const rule: MirrorRule = {
    name: "app",
    from: {
      kind: "registry",
      domain: source.host,
      repositories: [{ kind: "literal", name: "app" }],
      exclude: [],
      end: "one",
    },
    to: { template, end: "one", replace: [], suffix: "" },
    tags: {
      list: undefined,
      include: [],
      exclude: [],
      semver: undefined,
      newest: undefined,
      newestBy: "name",
      maxAgeMs: undefined,
    },
    copy: {
      select: { type: wish.all ? "all" : "system" },
      platform: { os: "linux", architecture: "amd64" },
      preserveDigests: false,
      removeSignatures: false,
      compression: { force: false },
    },
    companions: wish.companions ?? { referrers: "none", digestTags: false },
    existing: wish.existing ?? { kind: "update" },
    prune: wish.prune,
    ...(wish.backup !== undefined && { backup: wish.backup }),
  };
  const whole: Mirror = { rules: [rule] };
  const summary = await runMirror(whole, {
    ends: { open: async () => ({ resolve: (text, as) => engine.end(text, as) }) },
    gate: createGate(acceptAnything, noTrust),
    transfers: createTransfers(4),
    compression: new Compression({ parallel: 1 }),
    steps: createSteps(whole),
    report: (event) => events.push(event),
    clock: new SteppedClock(),
    random: () => 0.5,
    signal: new AbortController().signal,
    parallel: 4,
    retries: 0,
    keepGoing: true,
    dryRun: wish.dryRun ?? false,
  });
  const outcomes: Record<string, SyncOutcome> = {};
  for (const event of events) {
    if (event.type !== "image-ended") continue;
    outcomes[event.item.from.docker?.tag ?? ""] = event.outcome;
  }
  return { summary, outcomes, events };
}

/** The template of a registry's repository "app". */
export const into = (registry: Registry) => `docker://${registry.host}/app:{{.Tag}}`;
/** What a tag of it stands for. */
export const tag = (registry: Registry, name: string) =>
  registry.store.repositories.get("app")?.tags.get(name);
