import type { CopyOptions } from "../copy/options.ts";

/**
 * What is to be mirrored, as read from a specification of ours or of skopeo's: plain data, checked, nothing resolved. Names
 * of hosts, credentials and files have been settled by whoever read it.
 */
export interface Mirror {
  readonly rules: readonly MirrorRule[];
}

/** From some repositories, or one place that holds images, to one place. */
export interface MirrorRule {
  /** What reports, errors and `--dry-run` call it: `docker.io/library/alpine`, or the name given to it. */
  readonly name: string;
  readonly from: MirrorSource;
  readonly to: MirrorTarget;
  /** Of one repository; of a place without tags, of the images' names. */
  readonly tags: TagRules;
  readonly copy: CopyOptions;
  readonly companions: Companions;
  readonly existing: ExistingRule;
  /** The name under which an image stays that another takes the place of; see backup.ts. Absent: none. */
  readonly backup?: string;
  readonly prune: PruneRule | undefined;
}

/** Where images come from. */
export type MirrorSource =
  /** Every repository of `domain` that the rules take; a literal name needs no catalog. */
  | {
      readonly kind: "registry";
      readonly domain: string;
      readonly repositories: readonly NameRule[];
      readonly exclude: readonly NameRule[];
      /** The name of this end's settings: credentials, TLS. */
      readonly end: string;
    }
  /** Anything else that holds one or several images, by transport and text: `oci:/srv/images`, `dir:/srv/x`. */
  | { readonly kind: "place"; readonly text: string; readonly end: string };

/** How a repository, or a tag, is chosen by its name. RE2 is unanchored, as in skopeo. Globs: `*` within a path component, `**` across. */
export type NameRule =
  | { readonly kind: "literal"; readonly name: string }
  | { readonly kind: "glob"; readonly pattern: string }
  | { readonly kind: "regex"; readonly pattern: string };

/** Which tags; all of the members narrow, in this order. Empty and undefined members do not narrow. */
export interface TagRules {
  /** Tags or digests by name, in the order given. Undefined: those that the registry lists. */
  readonly list: readonly string[] | undefined;
  readonly include: readonly NameRule[];
  readonly exclude: readonly NameRule[];
  /** A constraint of Masterminds/semver v3; tags that are no version are passed over. */
  readonly semver: string | undefined;
  /** The newest so many. By version those that are none are passed over, by name the last are the newest. */
  readonly newest: number | undefined;
  /** "created" costs a manifest and a config an image. */
  readonly newestBy: "version" | "created" | "name";
  /** Milliseconds: images created longer ago are passed over. Costs a config an image. */
  readonly maxAgeMs: number | undefined;
}

/** Where images go. */
export interface MirrorTarget {
  /** Transport and text with placeholders: `docker://mirror.example/{{.Repository}}:{{.Tag}}`; see naming.ts. */
  readonly template: string;
  /** What becomes of the source's repository, in order, before it is filled in. */
  readonly replace: readonly ReplaceRule[];
  /** Put behind what comes out: behind the tag, where there is one. */
  readonly suffix: string;
  readonly end: string;
}

/** RE2, unanchored, every match; `$1` and `$<name>` in `by` stand for what was found. */
export interface ReplaceRule {
  readonly pattern: string;
  readonly by: string;
}

/** What goes along with each image. */
export interface Companions {
  /** Referrers (OCI 1.1): "all", or of these artifact types; their own referrers too. */
  readonly referrers: "none" | "all" | readonly string[];
  /** `sha256-….sig`, `.att`, `.sbom`. */
  readonly digestTags: boolean;
  /** Where the destination has no room for them: "refuse" (the default), before any byte moves; or "tell" of each. */
  readonly homeless?: "refuse" | "tell";
}

/** What is done where the destination has the name already. */
export type ExistingRule =
  /** Moved where it differs. */
  | { readonly kind: "update" }
  /** Left as it is, whatever it is. */
  | { readonly kind: "if-absent" }
  /** A tag that these take and that differs is an error, and is left. */
  | { readonly kind: "immutable"; readonly tags: readonly NameRule[] };

/** Removes tags at the destination that the rule does not give any more. */
export interface PruneRule {
  readonly dryRun: boolean;
  /** Backups of such tags too; those of tags that it gives stay. Without it, all that is called like a backup stays. */
  readonly backups?: boolean;
  /** Only tags that these take are ever removed; empty: all. */
  readonly only: readonly NameRule[];
  /** Of a repository's tags, the share (0 to 1) above which nothing is removed and the rule fails. */
  readonly threshold: number;
  /** Up to so many are removed whatever their share. */
  readonly alwaysUpTo: number;
}
