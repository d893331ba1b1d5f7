import type { Document, LineCounter, Node, ParsedNode } from "yaml";
import { ConfigError } from "./errors.ts";
import { formatPath, type SettingIssue, type SettingPath } from "./setting-issues.ts";

/** What a person wrote, as YAML (and so as JSON), and where it stands. */
export interface SettingsDocument {
  /** As it is called in errors. */
  readonly file: string;
  readonly value: unknown;
  /** Of what is not there, the line of what it should be in. */
  lineOf(path: SettingPath): number | undefined;
  /** A single value as it was written, where that says more than what it was taken for: `3.10`. */
  writtenAt(path: SettingPath): string | undefined;
}

/** How a document is read. */
export interface ReadingOptions {
  /** Take `<<: *anchor` for the members of another mapping, as YAML 1.1 has it. */
  readonly merges?: boolean;
}

const maxBytes = 4 * 1024 * 1024;
/** Of one anchor, and in all: each is looked for among all the others. */
const maxAliases = 100;
const mostAliases = 1000;
const maxLines = 200;

type Yaml = typeof import("yaml");

/**
 * Parses a document that a person wrote; an empty one is an empty mapping. `file` is what errors call it.
 *
 * @throws {ConfigError} `config.invalid` with a line `FILE:LINE: …` for everything that is wrong
 */
export async function parseSettingsDocument(
  text: string,
  file: string,
  { merges = false }: ReadingOptions = {},
): Promise<SettingsDocument> {
  if (Buffer.byteLength(text) > maxBytes)
    throw invalidSettings([`${file}: expected at most 4 MiB`], file);
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    logLevel: "error", // else several documents are taken for one
    prettyErrors: false,
    lineCounter: lines,
    stringKeys: true,
    uniqueKeys: false, // ours says which one
    merge: merges,
  });
  const at = (offset: number) => `${file}:${lines.linePos(offset).line}`;
  const wrong = [...document.errors, ...document.warnings].map(
    ({ pos, message }) => `${at(pos[0])}: not YAML: ${message.split("\n", 1)[0]}`,
  );
  if (wrong.length > 0) throw invalidSettings(wrong.slice(0, 1), file); // the others follow from it
  const twice = [...findTwice(yaml, document.contents, [])].map(
    (found) => `${at(found.at)}: ${formatPath(found.path)}: expected once, found twice`,
  );
  if (twice.length > 0) throw invalidSettings(twice, file);
  return {
    file,
    value: plainValue(yaml, document, (offset) => (offset === undefined ? file : at(offset))),
    lineOf: (path) => lineOf(document, lines, path),
    writtenAt: (path) => {
      const node = resolved(yaml, document, document.getIn(path, true));
      return yaml.isScalar(node) ? node.source : undefined;
    },
  };
}

/** One line for each of what is wrong, by the file, the line in it and the path to it. */
export function issueLines(
  issues: readonly SettingIssue[],
  document: Pick<SettingsDocument, "file" | "lineOf">,
): readonly string[] {
  return issues.map(({ path, message }) => {
    const line = document.lineOf(path);
    const place = `${document.file}${line === undefined ? "" : `:${line}`}`;
    return `${place}: ${formatPath(path) || "the whole"}: ${message}`;
  });
}

/** What is wrong with a file: all of it, or as much as anybody will read; `left` more were not even looked up. */
export function invalidSettings(
  lines: readonly string[],
  file: string | undefined,
  left = 0,
): ConfigError {
  const told = lines.slice(0, maxLines);
  const more = lines.length - told.length + left;
  return new ConfigError(
    "config.invalid",
    [...told, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"),
    {
      ...(file !== undefined && { file }),
    },
  );
}

/** Members that their mapping has already; `<<` may stand in one several times. */
function* findTwice(
  yaml: Yaml,
  node: ParsedNode | null,
  path: SettingPath,
): Generator<{ readonly path: SettingPath; readonly at: number }> {
  if (yaml.isSeq(node)) {
    for (const [index, item] of node.items.entries())
      yield* findTwice(yaml, item as ParsedNode, [...path, index]);
  }
  if (!yaml.isMap(node)) return;
  const seen = new Set<string>();
  for (const { key, value } of node.items) {
    const name = yaml.isScalar(key) ? String(key.value) : "";
    if (seen.has(name)) yield { path: [...path, name], at: key.range?.[0] ?? 0 };
    seen.add(name);
    yield* findTwice(yaml, value as ParsedNode | null, [...path, name]);
  }
}

/** An empty file is as good as none. Anchors are looked for in one go: each alias' own search begins at the beginning. */
function plainValue(
  yaml: Yaml,
  document: Document.Parsed,
  at: (offset: number | undefined) => string,
): unknown {
  const lost: string[] = [];
  const anchors = new Set<string>();
  let aliases = 0;
  yaml.visit(document, {
    Node: (_key, node) => {
      if (!yaml.isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor);
        return;
      }
      aliases += 1;
      if (!anchors.has(node.source)) {
        lost.push(
          `${at(node.range?.[0])}: *${node.source}: expected an anchor &${node.source} before it`,
        );
      }
    },
  });
  if (aliases > mostAliases)
    lost.unshift(`${at(undefined)}: expected at most ${mostAliases} aliases`);
  if (lost.length > 0) throw invalidSettings(lost, at(undefined));
  try {
    return document.toJS({ maxAliasCount: maxAliases }) ?? {};
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw invalidSettings([`${at(undefined)}: ${message}`], at(undefined));
  }
}

function lineOf(
  document: Document.Parsed,
  lines: LineCounter,
  path: SettingPath,
): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (typeof node !== "object" || node === null || !("range" in node)) continue;
    const [start] = (node.range ?? []) as readonly number[];
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}

function resolved(yaml: Yaml, document: Document.Parsed, node: unknown): Node | undefined {
  return yaml.isAlias(node) ? node.resolve(document) : (node as Node | undefined);
}
