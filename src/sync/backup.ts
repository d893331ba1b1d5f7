import { type Digest, parseDigest } from "../core/digest.ts";
import { isTag } from "../core/docker-reference.ts";
import type { PruneRule } from "./mirror.ts";
import { fillTemplate, parseTemplate, TemplateError } from "./naming.ts";

/** How the backups in a place are called. */
export interface BackupNames {
  /** What an image is kept as that stood under `tag` and is replaced. */
  nameOf(tag: string, replaced: Digest): string;
  /** The tag that `name` is a backup of; undefined where it is none. */
  tagOf(name: string): string | undefined;
}

// As the templates of destinations (naming.ts), with two placeholders:
//
// | .Tag    | the name that is given to another image; has to be there, once    |
// | .Digest | of the image that had it, as digest tags have it: `sha256-…`      |

/** Of nothing: node:crypto takes long to load. */
const sampleDigest = parseDigest(`sha256:${"0".repeat(64)}`);

/** @throws {TemplateError} where it would not make another tag of every tag */
export function parseBackupNames(template: string): BackupNames {
  const pieces = parseTemplate(template);
  const words = pieces.flatMap((piece) => ("placeholder" in piece ? [piece.placeholder] : []));
  const nameOf = (tag: string, digest: Digest) =>
    fillTemplate(pieces, { domain: "", repository: "", tag, digest: digest.replace(":", "-") });
  const isKnown = words.every((word) => word === "Tag" || word === "Digest");
  const sample = nameOf("3.20", sampleDigest);
  if (!isKnown || words.filter((word) => word === "Tag").length !== 1 || sample === "3.20")
    throw bad("{{.Tag}} once, at will {{.Digest}}, and something else in it");
  if (!isTag(sample)) throw bad("nothing in it that no tag may have");
  const pattern = pieces.map((piece) => {
    if ("text" in piece) return RegExp.escape(piece.text);
    return piece.placeholder === "Tag" ? "(?<tag>.+)" : "sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})";
  });
  const backup = new RegExp(`^${pattern.join("")}$`, "s");
  return { nameOf, tagOf: (name) => backup.exec(name)?.groups?.["tag"] };
}

/** The backups among the names of one place that is pruned. */
export class Backups {
  readonly #names: readonly BackupNames[];
  readonly #given: ReadonlySet<string>;
  readonly #mayGo: boolean;

  /** @param given tags that are given there: none of them is a backup, whatever it is called */
  constructor(
    templates: readonly string[],
    given: ReadonlySet<string>,
    { backups = false }: Pick<PruneRule, "backups">,
  ) {
    this.#names = templates.map(parseBackupNames);
    this.#given = given;
    this.#mayGo = backups;
  }

  has(name: string): boolean {
    return !this.#given.has(name) && this.#tagsOf(name).length > 0;
  }

  /** Whether it is one, and not to be removed. */
  stays(name: string): boolean {
    if (!this.has(name)) return false;
    return !this.#mayGo || this.#tagsOf(name).some((tag) => this.#given.has(tag));
  }

  #tagsOf(name: string): readonly string[] {
    return this.#names.flatMap(({ tagOf }) => tagOf(name) ?? []);
  }
}

function bad(what: string): TemplateError {
  return new TemplateError("usage.bad-template", `expected ${what}`);
}
