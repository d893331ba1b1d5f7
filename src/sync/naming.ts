import { posix } from "node:path";
import { parseDockerReference } from "../core/docker-reference.ts";
import { KnownError } from "../core/errors.ts";
import type { MirrorTarget } from "./mirror.ts";

/** A template that cannot be filled in. */
export class TemplateError extends KnownError<"usage.bad-template"> {}

/** What a destination's name is made of. */
export interface SourceName {
  /** `docker.io`; "" where images have no registry. */
  readonly domain: string;
  /** `library/alpine`; of a folder or file its name. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Gives a source its destination, as transport and text. */
export type Namer = (source: SourceName) => string;

// template    = *( text / placeholder )
// placeholder = "{{" [blanks] ( "." word / DQUOTE text DQUOTE ) [blanks] "}}"     the latter stands for the text itself
//
// | .Domain     | `docker.io`                                    |
// | .Repository | `library/alpine`, after the replacements       |
// | .Name       | its last component: `alpine`                   |
// | .Tag        | `3.20`; nothing of what is named by its digest |
// | .Digest     | `sha256:…`; nothing of what is named by a tag  |
// | .Reference  | `:3.20` or `@sha256:…`                         |
// | .Image      | .Domain "/" .Repository .Reference             |
// | .Base       | the last component of .Image: `alpine:3.20`    |

/** What may stand in a template. */
export const placeholders = [
  "Domain",
  "Repository",
  "Name",
  "Tag",
  "Digest",
  "Reference",
  "Image",
  "Base",
] as const;

type Placeholder = (typeof placeholders)[number];
/** A piece of a template. */
export type Piece = { readonly text: string } | { readonly placeholder: Placeholder };

const values: Readonly<Record<Placeholder, (source: SourceName) => string>> = {
  Domain: ({ domain }) => domain,
  Repository: ({ repository }) => repository,
  Name: ({ repository }) => lastComponent(repository),
  Tag: ({ tag = "" }) => tag,
  Digest: ({ digest = "" }) => digest,
  Reference: referenceOf,
  Image: imageOf,
  Base: (source) => lastComponent(imageOf(source)),
};

/**
 * What names the destinations of a rule. RE2 is loaded where names are to be changed by it.
 *
 * @throws {TemplateError}
 * @throws {PatternError} for a replacement that RE2 does not take
 */
export async function createNamer(target: MirrorTarget): Promise<Namer> {
  const pieces = parseTemplate(target.template);
  const rename = await compileReplacements(target);
  return (source) =>
    fillTemplate(pieces, { ...source, repository: rename(source.repository) }) + target.suffix;
}

async function compileReplacements({ replace }: MirrorTarget): Promise<(name: string) => string> {
  if (replace.length === 0) return (name) => name;
  const { parsePattern } = await import("./selection/re2.ts");
  const rules = replace.map(({ pattern, by }) => ({ pattern: parsePattern(pattern), by }));
  return (name) => rules.reduce((text, { pattern, by }) => pattern.replaceIn(text, by), name);
}

/** @throws {TemplateError} */
export function parseTemplate(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of template.matchAll(/\{\{\s*(?:\.(\w+)|"([^"]*)")\s*\}\}/g)) {
    pieces.push({ text: checkedText(template.slice(at, match.index)) });
    const [whole, word, text] = match;
    pieces.push(word === undefined ? { text: text ?? "" } : { placeholder: placeholderOf(word) });
    at = match.index + whole.length;
  }
  pieces.push({ text: checkedText(template.slice(at)) });
  return pieces.filter((piece) => !("text" in piece) || piece.text !== "");
}

function checkedText(text: string): string {
  if (!text.includes("{{") && !text.includes("}}")) return text;
  throw bad(`expected placeholders such as {{.Tag}}`);
}

function placeholderOf(word: string): Placeholder {
  const known = placeholders.find((name) => name === word);
  if (known) return known;
  throw bad(`expected one of ${placeholders.map((name) => `{{.${name}}}`).join(", ")}`);
}

/** `text` as a template that stands for it and nothing else. */
export function literalTemplate(text: string): string {
  return text.replaceAll(/\{\{|\}\}/g, (braces) => `{{"${braces}"}}`);
}

/** Where skopeo's sync puts images. */
export interface SkopeoTarget {
  readonly transport: "docker" | "dir";
  /** As typed: `registry.example/hub`, `/srv/mirror`. */
  readonly destination: string;
  /** By the whole of the source's name, and not its last component. */
  readonly scoped: boolean;
  readonly suffix: string;
  readonly end: string;
}

/** The names that skopeo's sync gives — `specs/skopeo-cli.md` 1.10. */
export function skopeoTarget(target: SkopeoTarget): MirrorTarget {
  const { transport, destination, scoped, suffix, end } = target;
  const folder = destination === "" ? "" : posix.join(destination, "x").slice(0, -1);
  const where = literalTemplate(folder) + (scoped ? "{{.Image}}" : "{{.Base}}");
  const template = transport === "docker" ? `docker://${where}` : `dir:${where}`;
  return { template, replace: [], suffix, end };
}

const transports = [
  "docker",
  "dir",
  "oci",
  "oci-archive",
  "docker-archive",
  "docker-daemon",
  "containers-storage",
  "atomic",
];

/** Transport and text, where the transport of registries may be left out: `registry.example/hub/`, `oci:/srv/x`. */
export function splitPlace(text: string): { readonly transport: string; readonly rest: string } {
  const colon = text.indexOf(":");
  const transport = text.slice(0, Math.max(colon, 0));
  if (!transports.includes(transport)) return { transport: "docker", rest: text };
  const rest = text.slice(colon + 1);
  if (transport !== "docker") return { transport, rest };
  return { transport, rest: rest.replace(/^\/\//, "") };
}

/**
 * The template that a person means: what ends with "/" takes the source's path, what has no tag the source's. A registry
 * alone is as good as with a "/" behind it.
 */
export function completeTemplate(written: string): string {
  const { transport, rest } = splitPlace(written);
  const whole = transport === "docker" ? "docker://" : `${transport}:`;
  if (rest.endsWith("/")) return `${whole}${rest}{{.Repository}}{{.Reference}}`;
  if (transport === "docker") return whole + completeName(rest);
  if (transport === "oci" && !rest.includes(":")) return `${whole}${rest}:{{.Tag}}`;
  return whole + rest;
}

/** The registry that a template names; undefined where there is none, or the source decides it. */
export function registryOf(template: string): string | undefined {
  const { transport, rest } = splitPlace(template);
  const first = rest.slice(0, Math.max(rest.indexOf("/"), 0));
  return transport === "docker" && !first.includes("{{") ? first : undefined;
}

const sample: SourceName = { domain: "docker.io", repository: "library/alpine", tag: "3.20" };

/** What some image of a registry would be called. @throws {TemplateError} */
export function sampleName(template: string): string {
  return fillTemplate(parseTemplate(template), sample);
}

/**
 * Sees whether names can come of a template.
 *
 * @throws {TemplateError} where it is none
 * @throws {UsageError} where no image in a registry could be called so
 */
export function checkTemplate(template: string): void {
  const { transport, rest } = splitPlace(sampleName(template));
  if (transport === "docker") parseDockerReference(rest);
}

/** What comes of a template. */
export function fillTemplate(pieces: readonly Piece[], source: SourceName): string {
  return pieces
    .map((piece) => ("text" in piece ? piece.text : values[piece.placeholder](source)))
    .join("");
}

function completeName(name: string): string {
  if (!name.includes("/")) return `${name}/{{.Repository}}{{.Reference}}`;
  const isNamed = /\{\{\s*\.(?:Tag|Digest|Reference|Image|Base)\s*\}\}|[:@]/.test(
    lastComponent(name),
  );
  return isNamed ? name : `${name}{{.Reference}}`;
}

/** What has a tag and a digest is fetched by this, and called by that. */
function referenceOf({ tag, digest }: SourceName): string {
  if (tag !== undefined) return `:${tag}`;
  return digest === undefined ? "" : `@${digest}`;
}

function imageOf(source: SourceName): string {
  const { domain, repository } = source;
  return `${domain === "" ? "" : `${domain}/`}${repository}${referenceOf(source)}`;
}

/** Digests and tags have no slash in them. */
function lastComponent(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function bad(message: string): TemplateError {
  return new TemplateError("usage.bad-template", message);
}
