import { isDigest } from "../../core/digest.ts";
import { isDigestTag } from "../companions/digest-tags.ts";
import { wantsCompanions } from "../companions/room.ts";
import type { FindingParts, MirrorEnd } from "../ends.ts";
import { SyncError } from "../errors.ts";
import type { MirrorRule, MirrorSource, NameRule } from "../mirror.ts";
import type { Namer, SourceName } from "../naming.ts";
import { type ChooseTags, compileTagRules } from "./choose-tags.ts";
import { createdAt } from "./created.ts";
import { compileNameRules } from "./name-rules.ts";
import type { Listing, Origin } from "./origin.ts";

/** What planning all rules of a run shares: the catalogs that were asked for, by end and domain. */
export interface PlanningParts extends FindingParts {
  readonly catalogs: Map<string, Promise<readonly string[]>>;
}

type RegistrySource = Extract<MirrorSource, { readonly kind: "registry" }>;

/**
 * The repositories of a registry that a rule takes, in the order of the rule, then of the catalog, which is asked only
 * where a rule is more than a name.
 *
 * @throws {KnownError} where the catalog cannot be read, or a rule cannot be meant
 */
export async function repositoryOrigins(
  rule: MirrorRule,
  from: RegistrySource,
  name: Namer,
  parts: PlanningParts,
): Promise<readonly Origin[]> {
  const choose = await compileTagRules(rule.tags);
  const end = await parts.ends.open(from.end);
  const paths = await repositoriesOf(rule, from, end, parts);
  return paths.map(
    (path) => new RepositoryOrigin(rule, from.domain, path, { name, choose, end, parts }),
  );
}

async function repositoriesOf(
  rule: MirrorRule,
  from: RegistrySource,
  end: MirrorEnd,
  parts: PlanningParts,
): Promise<readonly string[]> {
  const excluded = await compileNameRules(from.exclude);
  const named = from.repositories.flatMap((each) => (each.kind === "literal" ? [each.name] : []));
  const wider = from.repositories.filter((each) => each.kind !== "literal");
  const listed = wider.length === 0 ? [] : await fromCatalog(rule, from, wider, end, parts);
  return [...new Set([...named, ...listed])].filter((path) => !excluded(path));
}

async function fromCatalog(
  { name: rule }: MirrorRule,
  from: RegistrySource,
  rules: readonly NameRule[],
  end: MirrorEnd,
  parts: PlanningParts,
): Promise<readonly string[]> {
  const takes = await compileNameRules(rules);
  const { domain: what } = from;
  parts.report({ type: "listing", rule, what });
  const found = await catalogOf(from, end, parts);
  const taken = found.filter(takes);
  const counts = { found: found.length, taken: taken.length };
  parts.report({ type: "listed", rule, what, ...counts, of: "repositories" });
  return taken;
}

function catalogOf(
  from: RegistrySource,
  end: MirrorEnd,
  { catalogs, signal }: PlanningParts,
): Promise<readonly string[]> {
  const key = JSON.stringify([from.end, from.domain]);
  const known = catalogs.get(key) ?? listCatalog(from, end, signal);
  catalogs.set(key, known);
  known.catch(() => catalogs.delete(key)); // whoever tries again asks again
  return known;
}

async function listCatalog(
  { domain }: RegistrySource,
  end: MirrorEnd,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { transport } = await end.resolve(`docker://${domain}/x`, "source", { signal });
  if (transport.listRepositories) return await transport.listRepositories(domain, { signal });
  throw new SyncError("sync.no-listing", `${domain} cannot be asked for its repositories`);
}

/** A tag, a digest, or both as `tag@digest`. */
function namesOf(key: string): Pick<SourceName, "tag" | "digest"> {
  const at = key.indexOf("@");
  if (at >= 0) return { tag: key.slice(0, at), digest: key.slice(at + 1) };
  return isDigest(key) ? { digest: key } : { tag: key };
}

interface RepositoryParts {
  readonly name: Namer;
  readonly choose: ChooseTags;
  readonly end: MirrorEnd;
  readonly parts: FindingParts;
}

class RepositoryOrigin implements Origin {
  readonly rule: MirrorRule;
  readonly what: string;
  readonly name: Namer;
  readonly repository: Pick<SourceName, "domain" | "repository">;
  readonly #parts: RepositoryParts;

  constructor(rule: MirrorRule, domain: string, path: string, parts: RepositoryParts) {
    this.rule = rule;
    this.what = `${domain}/${path}`;
    this.name = parts.name;
    this.repository = { domain, repository: path };
    this.#parts = parts;
  }

  async list(): Promise<Listing> {
    const { choose, parts } = this.#parts;
    const names = this.rule.tags.list ?? (await this.#tags());
    const { taken, ruledOutBy } = await choose(names, {
      now: () => parts.clock.now(),
      createdAt: (keys) => createdAt(keys, (key) => this.#source(key), parts.signal),
    });
    return { found: names.length, taken, ruledOutBy };
  }

  sourceName(key: string): SourceName {
    return { ...this.repository, ...namesOf(key) };
  }

  sourceText(key: string): string {
    return `docker://${this.what}${isDigest(key) ? "@" : ":"}${key}`; // also of a tag and a digest
  }

  async #tags(): Promise<readonly string[]> {
    const { signal } = this.#parts.parts;
    const { transport, reference } = await this.#resolve(`docker://${this.what}`);
    if (!transport.listTags)
      throw new SyncError("sync.no-listing", `${this.what} cannot be asked for its tags`);
    const tags = await transport.listTags(reference, { signal });
    // what belongs to images goes with them, and is none
    return wantsCompanions(this.rule.companions) ? tags.filter((tag) => !isDigestTag(tag)) : tags;
  }

  async #source(key: string) {
    const { transport, reference } = await this.#resolve(this.sourceText(key));
    return await transport.openSource(reference, { signal: this.#parts.parts.signal });
  }

  #resolve(text: string): ReturnType<MirrorEnd["resolve"]> {
    return this.#parts.end.resolve(text, "source", { signal: this.#parts.parts.signal });
  }
}
