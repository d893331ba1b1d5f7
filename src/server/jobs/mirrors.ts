import type { Platform } from "../../core/platform.ts";
import type { MirrorSource } from "../../sync/mirror.ts";
import type { MirrorDocument } from "../../sync/parse-mirror.ts";
import type { MirrorSettings } from "./settings.ts";

/** The mirrors of the settings, read. */
export type NamedDocuments = ReadonlyMap<string, MirrorDocument>;

/** Members of a specification that are of all its mirrors. */
const ofAll = ["hosts", "defaults", "parallel", "keep-going"];

/**
 * Reads the mirrors of the settings: each a whole specification, or one entry of one.
 *
 * @param file what errors call the place where they are written
 * @throws {ConfigError} `config.invalid`, with a line for everything that is wrong
 */
export async function readMirrors(
  mirrors: Readonly<Record<string, MirrorSettings>>,
  { platform, file = "the settings" }: { readonly platform: Platform; readonly file?: string },
): Promise<NamedDocuments> {
  const named = Object.entries(mirrors);
  if (named.length === 0) return new Map();
  const { parseMirror } = await import("../../sync/parse-mirror.ts");
  const read = named.map(async ([name, { document, folder = "/" }]) => {
    const where = { file: `${file}: mirrors.${name}`, folder, platform };
    return [name, await parseMirror({ value: wholeOf(name, document) }, where)] as const;
  });
  return new Map(await Promise.all(read));
}

function wholeOf(name: string, document: Readonly<Record<string, unknown>>): unknown {
  if ("mirrors" in document) return document;
  const members = Object.entries(document);
  return {
    ...Object.fromEntries(members.filter(([member]) => ofAll.includes(member))),
    mirrors: [
      { name, ...Object.fromEntries(members.filter(([member]) => !ofAll.includes(member))) },
    ],
  };
}

/** The registries that a specification names, as references do. */
export function domainsOf({ mirror, hosts }: MirrorDocument): readonly string[] {
  const named = mirror.rules.flatMap(({ from, to }) => [
    from.kind === "registry" ? from.domain : domainIn(from.text),
    domainIn(to.template),
  ]);
  return [...new Set([...named.filter((domain) => domain !== undefined), ...hosts.keys()])];
}

/** Of `docker://HOST/…`; undefined where it is something else, or only known for each image. */
export function domainIn(text: string): string | undefined {
  return /^docker:\/\/([^/{}]+)\//.exec(text)?.[1];
}

/** What is mirrored to where, for people. */
export function rulesAsText({ mirror }: MirrorDocument): readonly {
  readonly from: string;
  readonly to: string;
}[] {
  return mirror.rules.map(({ from, to: { template } }) => ({
    from: sourceText(from),
    to: template
      .replace(/^docker:\/\//, "")
      .replace(/\{\{\.Repository\}\}\{\{\.Reference\}\}$|\{\{\.Reference\}\}$/, ""),
  }));
}

function sourceText(from: MirrorSource): string {
  if (from.kind === "place") return from.text.replace(/^docker:\/\//, "");
  const names = from.repositories.map((rule) =>
    rule.kind === "literal" ? rule.name : rule.pattern,
  );
  return names.length === 0 ? `${from.domain}/**` : `${from.domain}/${names.join(", ")}`;
}
