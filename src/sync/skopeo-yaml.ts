import * as z from "zod";
import type { SettingIssue } from "../config/setting-issues.ts";
import { filePath, writtenText } from "../config/setting-values.ts";
import type { CopyOptions } from "../copy/options.ts";
import { isDigest } from "../core/digest.ts";
import { type DockerReference, parseDockerReference } from "../core/docker-reference.ts";
import { UsageError } from "../core/errors.ts";
import type { HostSettings } from "./host-settings.ts";
import type { MirrorRule, TagRules } from "./mirror.ts";
import { type SkopeoTarget, skopeoTarget } from "./naming.ts";
import { ConstraintError, parseConstraintText } from "./selection/constraint-text.ts";

const error = (what: string) => ({ error: `expected ${what}` });

/** As YAML 1.1 has truth, and so Go. */
const truth = z
  .union(
    [z.boolean(), z.enum(["y", "Y", "yes", "on", "n", "N", "no", "off"])],
    error("true or false"),
  )
  .transform((value) => (typeof value === "boolean" ? value : /^(?:y|Y|yes|on)$/.test(value)));

const registrySettings = z.strictObject({
  /** Repositories, each with tags and digests; every tag where there are none. */
  images: z
    .record(z.string(), z.array(writtenText("expected a tag or a digest")).nullable())
    .nullish(),
  imagesByTagRegex: z
    .record(z.string(), z.string(error("a regular expression")).meta({ regex: true }))
    .nullish(),
  imagesBySemver: z
    .record(z.string(), writtenText("expected a constraint such as >= 3.18"))
    .nullish(),
  credentials: z
    .strictObject({
      username: writtenText("expected a user's name"),
      password: writtenText("expected a password"),
    })
    .nullish(),
  tlsVerify: truth.nullish(),
  certDir: filePath().nullish(),
});

/** What skopeo's sync takes as its YAML: skopeo-sync(1) § YAML file content. */
export const skopeoSettings = z.record(z.string(), registrySettings);

/** As parsed. */
export type SkopeoSettings = z.output<typeof skopeoSettings>;

/** What skopeo's command line says besides. */
export interface SkopeoWish {
  readonly target: SkopeoTarget;
  readonly copy: CopyOptions;
}

/** What a file of skopeo's means, and all that is wrong with its names. */
export interface SkopeoRules {
  readonly rules: readonly MirrorRule[];
  /** By the keys of the file, which are the names of the rules' ends. */
  readonly hosts: ReadonlyMap<string, HostSettings>;
  readonly issues: readonly SettingIssue[];
}

/** One rule for each repository of each selector, in the order of the file: lists, then expressions, then constraints. */
export function skopeoRules(settings: SkopeoSettings, wish: SkopeoWish): SkopeoRules {
  const rules: MirrorRule[] = [];
  const issues: SettingIssue[] = [];
  const hosts = new Map<string, HostSettings>();
  for (const [host, registry] of Object.entries(settings)) {
    hosts.set(host, hostOf(registry));
    for (const [selector, repository, tags] of selectorsOf(registry)) {
      const path = [host, selector, repository];
      try {
        const named = parseDockerReference(`${host}/${repository}`);
        for (const issue of referenceIssues(named, tags, path)) issues.push(issue);
        rules.push(ruleOf(host, named, tags, wish));
      } catch (cause) {
        if (!(cause instanceof UsageError)) throw cause;
        issues.push({ path, message: `expected a repository (${cause.message})` });
      }
    }
  }
  return { rules, hosts, issues };
}

type Selector = readonly [selector: string, repository: string, tags: Partial<TagRules>];

function selectorsOf({
  images,
  imagesByTagRegex,
  imagesBySemver,
}: SkopeoSettings[string]): readonly Selector[] {
  return [
    ...Object.entries(images ?? {}).map(
      ([repository, list]): Selector => [
        "images",
        repository,
        list && list.length > 0 ? { list } : {},
      ],
    ),
    ...Object.entries(imagesByTagRegex ?? {}).map(
      ([repository, pattern]): Selector => [
        "images-by-tag-regex",
        repository,
        { include: [{ kind: "regex", pattern }] },
      ],
    ),
    ...Object.entries(imagesBySemver ?? {}).map(
      ([repository, semver]): Selector => ["images-by-semver", repository, { semver }],
    ),
  ];
}

function referenceIssues(
  { domain, path, tag, digest }: DockerReference,
  { list = [], semver }: Partial<TagRules>,
  at: readonly string[],
): readonly SettingIssue[] {
  const issues: SettingIssue[] = [];
  if (tag !== undefined || digest !== undefined)
    issues.push({ path: at, message: "expected a repository without a tag" });
  for (const [index, reference] of (list ?? []).entries()) {
    const wrong = complaint(() =>
      parseDockerReference(`${domain}/${path}${isDigest(reference) ? "@" : ":"}${reference}`),
    );
    if (wrong !== undefined)
      issues.push({
        path: [...at, index],
        message: `expected a tag or a digest, found ${JSON.stringify(reference)}`,
      });
  }
  const wrong = semver === undefined ? undefined : complaint(() => parseConstraintText(semver));
  if (wrong !== undefined)
    issues.push({
      path: at,
      message: `expected a constraint such as >= 3.18 (${wrong}), found ${JSON.stringify(semver)}`,
    });
  return issues;
}

function complaint(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (cause) {
    if (cause instanceof UsageError || cause instanceof ConstraintError) return cause.message;
    throw cause;
  }
}

function ruleOf(
  end: string,
  { domain, path }: DockerReference,
  tags: Partial<TagRules>,
  { target, copy }: SkopeoWish,
): MirrorRule {
  return {
    name: `${domain}/${path}`,
    from: {
      kind: "registry",
      domain,
      repositories: [{ kind: "literal", name: path }],
      exclude: [],
      end,
    },
    to: skopeoTarget(target),
    tags: { ...everyTag, ...tags },
    copy,
    companions: { referrers: "none", digestTags: false },
    existing: { kind: "update" },
    prune: undefined,
  };
}

/** All tags of a repository. */
export const everyTag: TagRules = {
  list: undefined,
  include: [],
  exclude: [],
  semver: undefined,
  newest: undefined,
  newestBy: "version",
  maxAgeMs: undefined,
};

function hostOf({ credentials, tlsVerify, certDir }: SkopeoSettings[string]): HostSettings {
  return {
    ...(credentials && { credentials: { kind: "password", ...credentials } }),
    ...(typeof tlsVerify === "boolean" && { tlsVerify }),
    ...(typeof certDir === "string" && { certificateDirectory: certDir }),
    limits: {},
  };
}
