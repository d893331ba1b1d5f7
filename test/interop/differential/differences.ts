import type { Outcome } from "./outcome.ts";

/** What skopeo 1.9 prints everywhere and 1.22, which we follow, in other words: said once, as a rewriting. */
export const rewritings: readonly {
  readonly reason: string;
  readonly from: RegExp;
  readonly to: string;
}[] = [
  {
    reason: "1.22 tells of storing signatures only where there are any",
    from: /^Storing signatures\n/gm,
    to: "",
  },
  {
    reason: "1.22 says that instances may be generated, since it can make new ones",
    from: /^Copying (\d+) of (\d+) images in list$/gm,
    to: "Copying $1 images generated from $2 images in list",
  },
  {
    reason: "1.22 quotes the platform that it did not find",
    from: /for architecture (\w+), variant (\S+), OS (\w+)/g,
    to: String.raw`for architecture \"$1\", variant $2, OS \"$3\"`,
  },
];

/** What 1.9 answered, in the words of 1.22 where they are known to differ. */
export function modernised(outcome: Outcome): Outcome {
  let { stdout, stderr } = outcome;
  for (const { from, to } of rewritings) {
    stdout = stdout.replace(from, to);
    stderr = stderr.replace(from, to);
  }
  return { ...outcome, stdout, stderr };
}

/** A way in which single answers differ. */
export interface Difference {
  readonly reason: string;
  /** The cases it shows in, by name. */
  readonly cases: RegExp;
}

/** Every row of `test/fixtures/skopeo/1.22.json` is explained by one of these, and each of these explains a row. */
export const differences: readonly Difference[] = [
  {
    reason: "inspect shows LayersData since 1.10",
    cases: /^(--\S+ (arm64 |1m )?)?inspect (?!--format (?!json$|\{\{ ?json))(?!.* --raw )/,
  },
  {
    reason: "templates are those of containers/common: json, join, upper, table, \\n, no newline",
    cases: /^inspect (.*)--format /,
  },
  {
    reason: "artifacts are named by their artifactType",
    cases: /^inspect .*made\/artifact/,
  },
  {
    reason: "exit status 2 where the image does not exist, since 1.11",
    cases: /:(nope|thisdoesnotexist)( |$)|@sha256:1{64}|bad\/unknown-type/,
  },
  { reason: "--retry-delay is new in 1.17", cases: /--retry-delay/ },
  { reason: "pushing by the digest that results is newer than 1.9", cases: /@@unknown-digest@@/ },
  { reason: "--compat-auth-file is newer than 1.9", cases: /--compat-auth-file/ },
  { reason: "--image-parallel-copies is new in 1.11", cases: /--image-parallel-copies/ },
  {
    reason: "errors of tag listing are the registry's own",
    cases: /^list-tags .*(R\/nope|G\/private|bad\/denied-tags)/,
  },
  {
    reason: "tags that cannot be are an error, since 1.13",
    cases: /bad\/bad-tags/,
  },
  {
    reason: "errors of registries are told in short, not as they were sent",
    cases: /^(delete|copy) .*G\/(private|copied)|bad\/(html-error|missing-blob|missing-child)/,
  },
  {
    reason: "one image of a layout can be named by its position, and deleted, since 1.10 and 1.12",
    cases: /oci:(layout|out):@\d|^delete oci:/,
  },
  {
    reason: "errors are not counted where there is one",
    cases: /# auth(\.json)? is no |# auths? is a |list-tags --authfile garbage\.json/,
  },
  { reason: "another TOML reader", cases: /# registries\.conf is no TOML/ },
  { reason: "Go's own words for reading a folder", cases: /# out is a file|-cert-dir schema2/ },
  { reason: "the version is the version's", cases: /^--version$/ },
  { reason: "the help knows more", cases: /^help nope$/ },
  { reason: "flags that mean nothing are warned of", cases: /--dest-compress .*oci:out/ },
  {
    reason: "a wrong number of arguments is an error with help on stderr",
    cases:
      /^list-tags( a b)?$|^sync( a| --src docker --dest dir a b c)?$|^copy (-q$|\S+ \S+ (docker:\/\/R\/made\/docker:v1$|a b c$|$))/,
  },
  { reason: "log in and log out are written in two words", cases: /^(login|logout)( a b)?$/ },
  { reason: "these errors begin in lower case", cases: /^login .*--password-stdin (-p x )?G$/ },
  {
    reason:
      "layouts are written by image-spec's Go types: no blanks at the ends, other field order",
    cases: /^copy .* oci:out(:v1)?(:v2)?( #|$)/,
  },
  { reason: "conversion to OCI keeps the variant of the platform", cases: /^copy .*--all .*list/ },
  {
    reason: "digests and kinds of manifests are checked as they are parsed",
    cases: /bad\/(no-layers|two-kinds|bad-digest|path-digest)/,
  },
  {
    reason: "--append-suffix is new in 1.13, --digestfile of sync in 1.15",
    cases: /^sync .*--(append-suffix|digestfile) /,
  },
  {
    reason: "sync exits with 2 where the image does not exist, since 1.11",
    cases: /^sync .*# (numbers|a missing tag)$/,
  },
  {
    reason: "errors of registries, and of tag listing, are the registry's own",
    cases:
      /^sync .*(R\/nope R|denied-tags|bad\/halfway|private\/thing R|G\/copied|:1\/made\/docker R|missing repository$)/,
  },
  {
    reason: "sync does not tell any more which expression it takes; another RE2 knows other groups",
    cases: /^sync .*# (a (bad )?regex|two that overlap)/,
  },
  {
    reason: "images-by-semver is new in 1.15",
    cases: /^sync .*# (versions|a caret|a bad constraint)$/,
  },
  { reason: "a newer YAML reader takes no key twice", cases: /^sync .*# a key twice$/ },
  { reason: "formats are checked later, in other words", cases: /^sync .*--format nope / },
  { reason: "the kinds of keys are more", cases: /^sync .*--sign-passphrase-file / },
];
