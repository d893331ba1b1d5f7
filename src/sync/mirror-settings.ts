import * as z from "zod";
import { domain, duration, percentage, writtenText } from "../config/setting-values.ts";
import { UsageError } from "../core/errors.ts";
import { parsePlatform } from "../core/platform.ts";
import { parseRepositoryPattern, RepositoryPatternError } from "../core/repository-pattern.ts";
import { parseBackupNames } from "./backup.ts";
import { hostSettings } from "./host-settings.ts";
import { parseSource } from "./mirror-source.ts";
import { checkTemplate, completeTemplate, TemplateError } from "./naming.ts";
import { ConstraintError, parseConstraintText } from "./selection/constraint-text.ts";

// Every message goes on from "expected", as those of serve.yaml do. Keys are camelCase here and kebab-case in the file.

const error = (what: string) => ({ error: `expected ${what}` });

/** A text that is good where `parse` takes it; its own words follow what was expected. */
function checked<T>(
  what: string,
  parse: (text: string) => T,
  known: readonly (new (...some: never[]) => Error)[],
) {
  return z.string(error(what)).transform((text, context) => {
    try {
      return parse(text);
    } catch (cause) {
      if (!(cause instanceof Error) || !known.some((kind) => cause instanceof kind)) throw cause;
      const message = cause.message.startsWith("expected")
        ? cause.message
        : `expected ${what} (${cause.message})`;
      context.issues.push({ code: "custom", input: text, message });
      return z.NEVER;
    }
  });
}

/** RE2; whether it is one is asked once it is loaded: {@link regexMark}. */
const regex = () => z.string(error("a regular expression")).meta({ regex: true });

const glob = () =>
  checked(
    "a pattern such as v1.*",
    (pattern) => ({ kind: "glob" as const, pattern: parseRepositoryPattern(pattern).text }),
    [RepositoryPatternError],
  );

const number = (least: number) => {
  const what = error(least === 0 ? "a whole number" : `a whole number from ${least} on`);
  return z.int(what).min(least, what);
};

const tagSettings = z.strictObject({
  /** Tags and digests; the registry is not asked for others. */
  list: z.array(writtenText("expected a tag or a digest")).optional(),
  /** RE2, unanchored: any of these. */
  include: z.array(regex()).default([]),
  exclude: z.array(regex()).default([]),
  semver: checked(
    "a constraint such as >= 3.18",
    (text) => {
      parseConstraintText(text);
      return text;
    },
    [ConstraintError],
  ).optional(),
  newest: number(0).optional(),
  newestBy: z.enum(["version", "created", "name"]).default("version"),
  maxAge: duration().optional(),
});

const sourceText = () =>
  checked(
    "a repository such as docker.io/library/alpine, or a place such as oci:/srv/images",
    parseSource,
    [UsageError, RepositoryPatternError],
  );

/** As references have it: a word alone would be a namespace of Docker Hub's. */
const registryName = () =>
  domain()
    .refine(
      (name) => /[.:]/.test(name) || name === "localhost",
      error("a host name with a dot or a port, such as registry.example or mirror:5000"),
    )
    .transform((name) => (name === "index.docker.io" ? "docker.io" : name));

const wholeRegistry = z.strictObject({
  registry: registryName(),
  /** Names and globs. Without these and `include`, all of the catalog. */
  repositories: z.array(z.string(error("a repository such as team/app, or team/*"))).default([]),
  include: z.array(regex()).default([]),
  exclude: z.array(regex()).default([]),
});

const source = z.union(
  [sourceText(), wholeRegistry],
  error("a repository, or a mapping with registry"),
);

const platform = () => checked("OS/ARCHITECTURE[/VARIANT]", parsePlatform, [UsageError]);

const backupName = () =>
  checked(
    "the tag of a backup such as old-{{.Tag}}",
    (text) => {
      parseBackupNames(text);
      return text;
    },
    [TemplateError],
  );

/** Patterns are none of these: what is meant by one would never come. */
const artifactType = () => {
  const what = error("a whole media type such as application/vnd.cyclonedx+json");
  return z.string(what).regex(/^[^\s*/]+\/[^\s*/]+$/, what);
};

/** What `defaults:` may say, and every mirror over it. */
const commonSettings = {
  tags: tagSettings.optional(),
  platforms: z
    .union(
      [z.enum(["all", "system"]), z.array(platform()).min(1, error("at least one platform"))],
      error("all, system or a list of platforms"),
    )
    .optional(),
  preserveDigests: z.boolean().optional(),
  removeSignatures: z.boolean().optional(),
  format: z.enum(["oci", "v2s2", "v2s1"]).optional(),
  compression: z
    .strictObject({
      format: z.enum(["gzip", "zstd"]).optional(),
      level: z
        .int()
        .min(1, error("a level from 1 on"))
        .max(22, error("a level up to 22"))
        .optional(),
      force: z.boolean().default(false),
    })
    .optional(),
  referrers: z
    .union(
      [z.enum(["all", "none"]), z.array(artifactType())],
      error("all, none or a list of artifact types"),
    )
    .optional(),
  digestTags: z.boolean().optional(),
  existing: z
    .union(
      [
        z.enum(["update", "if-absent"]),
        z.strictObject({ immutable: z.array(glob()).min(1, error("at least one pattern")) }),
      ],
      error("update, if-absent or a mapping with immutable"),
    )
    .optional(),
  backup: z
    .union(
      [z.literal(false), backupName()],
      error(
        "false, or the tag of a backup such as old-{{.Tag}}, with {{.Tag}} once and at will {{.Digest}}",
      ),
    )
    .optional(),
  prune: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          dryRun: z.boolean().default(false),
          backups: z.boolean().default(false),
          threshold: percentage().default(0.2),
          alwaysUpTo: number(0).default(1),
          only: z.array(glob()).default([]),
        }),
      ],
      error("false or a mapping"),
    )
    .optional(),
};

const template = () =>
  checked(
    "a place such as registry.example/hub/, with placeholders such as {{.Tag}}",
    (text) => {
      checkTemplate(completeTemplate(text));
      return text;
    },
    [TemplateError, UsageError],
  );

/** One entry of `mirrors:`. */
const oneMirror = z.strictObject({
  name: z.string(error("a name")).min(1, error("a name")).optional(),
  from: z.union(
    [sourceText(), wholeRegistry, z.array(source).min(1, error("at least one source"))],
    error("a repository, a list of those, or a mapping with registry"),
  ),
  to: template(),
  replace: z
    .array(z.strictObject({ pattern: regex(), with: z.string(error("a text")) }))
    .default([]),
  suffix: z.string().default(""),
  ...commonSettings,
});

/** A specification of ours. */
export const mirrorSettings = z.strictObject({
  /** Images under way at once. */
  parallel: number(1).optional(),
  keepGoing: z.boolean().optional(),
  hosts: z.record(registryName(), hostSettings).default({}),
  defaults: z.strictObject(commonSettings).prefault({}),
  mirrors: z.array(oneMirror).min(1, error("at least one mirror")),
});

/** As parsed. */
export type MirrorSettings = z.output<typeof mirrorSettings>;

/** One entry of it. */
export type OneMirror = MirrorSettings["mirrors"][number];

/** What schemas of regular expressions say of themselves, so that all of a document can be found and tried. */
export const regexMark = "regex";
