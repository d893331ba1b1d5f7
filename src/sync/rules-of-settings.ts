import type { SettingIssue, SettingPath } from "../config/setting-issues.ts";
import type { CopyOptions, ImageSelection } from "../copy/options.ts";
import { isDigest } from "../core/digest.ts";
import { isTag, parseDockerReference } from "../core/docker-reference.ts";
import { KnownError } from "../core/errors.ts";
import { mediaTypes } from "../core/media-type.ts";
import type { Platform } from "../core/platform.ts";
import type {
  Companions,
  ExistingRule,
  MirrorRule,
  MirrorSource,
  MirrorTarget,
  NameRule,
  PruneRule,
  TagRules,
} from "./mirror.ts";
import type { MirrorSettings, OneMirror } from "./mirror-settings.ts";
import { type NamedSource, placeFrom, repositoryRule } from "./mirror-source.ts";
import { whyNameless } from "./nameless.ts";
import { completeTemplate, registryOf } from "./naming.ts";
import { everyTag } from "./skopeo-yaml.ts";

/** What a specification leaves open. */
export interface RuleDefaults {
  /** That paths of places are seen from. */
  readonly folder: string;
  /** The platform that `platforms: system` means. */
  readonly platform: Platform;
}

/** What a specification means, and what is wrong with what its schema could not see. */
export interface MirrorRules {
  readonly rules: readonly MirrorRule[];
  readonly issues: readonly SettingIssue[];
}

/** The end of everything that is in no registry. */
export const localEnd = "local";

/** One rule for each source of each mirror, in their order. Ends are called by the registries' domains. */
export function rulesOfSettings(settings: MirrorSettings, defaults: RuleDefaults): MirrorRules {
  const rules: MirrorRule[] = [];
  const issues: SettingIssue[] = [];
  for (const [index, mirror] of settings.mirrors.entries()) {
    const path = ["mirrors", index];
    const whole = { ...settings.defaults, ...withoutUndefined(mirror) };
    issues.push(...tagIssues(whole, [...path, "tags", "list"]));
    issues.push(...namelessIssues(whole, path));
    const sources = Array.isArray(mirror.from) ? mirror.from : [mirror.from];
    for (const [position, source] of sources.entries()) {
      const at = [...path, "from", ...(Array.isArray(mirror.from) ? [position] : [])];
      const rule = ruleOf(whole, source, { defaults, at, several: sources.length > 1 });
      if ("path" in rule) issues.push(rule);
      else rules.push(rule);
    }
  }
  return { rules, issues };
}

/** Of images in registries; other places call theirs as they like. */
function tagIssues({ from, tags }: OneMirror, path: SettingPath): readonly SettingIssue[] {
  const sources = Array.isArray(from) ? from : [from];
  const hasRegistry = sources.some((source) => "registry" in source || source.kind === "registry");
  if (!hasRegistry) return [];
  return (tags?.list ?? []).flatMap((text, index) =>
    isListed(text)
      ? []
      : [
          {
            path: [...path, index],
            message: `expected a tag or a digest, found ${JSON.stringify(text)}`,
          },
        ],
  );
}

function isListed(text: string): boolean {
  const at = text.indexOf("@");
  if (at < 0) return isTag(text) || isDigest(text);
  return isTag(text.slice(0, at)) && isDigest(text.slice(at + 1));
}

/** Where it cannot be told what stands under a name, and what other names there are. */
function namelessIssues(mirror: OneMirror, path: SettingPath): readonly SettingIssue[] {
  const { to, backup, existing, prune } = mirror;
  const isImmutable = typeof existing === "object";
  const why = backup || isImmutable || prune ? whyNameless(completeTemplate(to)) : undefined;
  if (why === undefined) return [];
  return [
    ...(prune ? [{ path: [...path, "prune"], message: `expected no pruning: ${why}` }] : []),
    ...(backup ? [{ path: [...path, "backup"], message: `expected no backups: ${why}` }] : []),
    ...(isImmutable
      ? [{ path: [...path, "existing"], message: `expected update or if-absent: ${why}` }]
      : []),
  ];
}

type Source = Exclude<OneMirror["from"], readonly unknown[]>;

interface Place {
  readonly defaults: RuleDefaults;
  readonly at: SettingPath;
  readonly several: boolean;
}

function ruleOf(mirror: OneMirror, source: Source, place: Place): MirrorRule | SettingIssue {
  const { defaults, at, several } = place;
  const text = "registry" in source ? source.registry : source.text;
  const reference = "kind" in source && source.kind === "registry" ? source.reference : undefined;
  if (reference !== undefined && mirror.tags?.list)
    return { path: at, message: "expected a repository without a tag, where tags.list has them" };
  const from = sourceOf(source, defaults, at);
  if ("path" in from) return from;
  const name = mirror.name ?? text;
  return {
    name: several && mirror.name !== undefined ? `${name}: ${text}` : name,
    from,
    to: targetOf(mirror, defaults),
    tags: tagsOf(mirror.tags, reference),
    copy: copyOf(mirror, defaults),
    companions: companionsOf(mirror),
    existing: existingOf(mirror.existing),
    ...(mirror.backup && { backup: mirror.backup }),
    prune: pruneOf(mirror.prune),
  };
}

function sourceOf(
  source: Source,
  { folder }: RuleDefaults,
  path: SettingPath,
): MirrorSource | SettingIssue {
  if (!("registry" in source)) return namedSource(source, folder);
  const { registry: domain, repositories, include, exclude } = source;
  const named: NameRule[] = [];
  for (const [index, text] of repositories.entries()) {
    try {
      named.push(repositoryRule(domain, text));
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      return {
        path: [...path, "repositories", index],
        message: `expected a repository such as team/app, or team/* (${error.message})`,
      };
    }
  }
  const rules = [...named, ...include.map(regexRule)];
  const all: NameRule = { kind: "glob", pattern: "**" };
  return {
    kind: "registry",
    domain,
    repositories: rules.length > 0 ? rules : [all],
    exclude: exclude.map(regexRule),
    end: domain,
  };
}

function namedSource(source: NamedSource, folder: string): MirrorSource {
  if (source.kind === "place")
    return { kind: "place", text: placeFrom(folder, source.text), end: localEnd };
  const { domain, repository } = source;
  return { kind: "registry", domain, repositories: [repository], exclude: [], end: domain };
}

function targetOf({ to, replace, suffix }: OneMirror, { folder }: RuleDefaults): MirrorTarget {
  const template = completeTemplate(placeFrom(folder, to));
  return {
    template,
    replace: replace.map(({ pattern, with: by }) => ({ pattern, by })),
    suffix,
    end: endOf(template),
  };
}

/** Of a registry that depends on the source, the end that nothing is set for. */
function endOf(template: string): string {
  if (!template.startsWith("docker:")) return localEnd;
  const registry = registryOf(template);
  return registry === undefined ? "destination" : parseDockerReference(`${registry}/x`).domain;
}

function tagsOf(tags: OneMirror["tags"], reference: string | undefined): TagRules {
  const {
    list,
    include = [],
    exclude = [],
    semver,
    newest,
    newestBy = "version",
    maxAge,
  } = tags ?? {};
  return {
    ...everyTag,
    list: reference === undefined ? list : [reference],
    include: include.map(regexRule),
    exclude: exclude.map(regexRule),
    semver,
    newest,
    newestBy,
    maxAgeMs: maxAge,
  };
}

const manifestTypes = {
  oci: mediaTypes.ociManifest,
  v2s2: mediaTypes.dockerManifest,
  v2s1: mediaTypes.schema1Signed,
} as const;

function copyOf(mirror: OneMirror, { platform }: RuleDefaults): CopyOptions {
  const { platforms = "all", preserveDigests = false, removeSignatures = false } = mirror;
  const { format, level, force = false } = mirror.compression ?? {};
  return {
    select: selectionOf(platforms),
    platform,
    preserveDigests,
    removeSignatures,
    ...(mirror.format !== undefined && { manifestType: manifestTypes[mirror.format] }),
    compression: {
      force,
      ...(format !== undefined && { format }),
      ...(level !== undefined && { level }),
    },
  };
}

function selectionOf(platforms: NonNullable<OneMirror["platforms"]>): ImageSelection {
  if (typeof platforms === "string") return { type: platforms };
  return { type: "platforms", platforms, mayLack: true };
}

function companionsOf({ referrers = "none", digestTags = false }: OneMirror): Companions {
  return { referrers, digestTags };
}

function existingOf(existing: OneMirror["existing"] = "update"): ExistingRule {
  if (typeof existing === "string") return { kind: existing };
  return { kind: "immutable", tags: existing.immutable };
}

function pruneOf(prune: OneMirror["prune"]): PruneRule | undefined {
  return prune === false ? undefined : prune;
}

function regexRule(pattern: string): NameRule {
  return { kind: "regex", pattern };
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> | T[K] };

/** So that what is not said does not count more than the defaults. */
function withoutUndefined<T extends object>(members: T): Given<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Given<T>;
}
