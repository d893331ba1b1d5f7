import { KnownError } from "./errors.ts";

/** Which repositories something is about. */
export interface RepositoryPattern {
  /** As it was written. */
  readonly text: string;
  /** `name` is `domain/path`, or a path where paths are what patterns are written of. */
  matches(name: string): boolean;
}

/** A pattern nobody can mean. */
export class RepositoryPatternError extends KnownError<"usage.bad-pattern"> {}

// pattern   = component *( "/" component )
// component = "**"                          any number of components, none among them; at the end at least one
//           | 1*( literal / "*" )           within a component `*` stands for any characters, alone for one whole component
//
// `docker.io/**` is everything of docker.io, `docker.io/*/app` has three components, `**` is everything.

const maxLength = 512;

/**
 * Parses a pattern of repositories. Matching takes time linear in the name for each `*`.
 *
 * @throws {RepositoryPatternError}
 */
export function parseRepositoryPattern(text: string): RepositoryPattern {
  const components = text.split("/");
  if (text.length > maxLength || components.some((part) => !isComponent(part))) {
    throw new RepositoryPatternError(
      "usage.bad-pattern",
      `expected a pattern of repositories such as docker.io/** or team/*, not ${JSON.stringify(text)}`,
    );
  }
  if (!text.includes("*")) return { text, matches: (name) => name === text };
  const last = components.at(-1) === "**" ? ["*", "**"] : components.slice(-1);
  const parts = [...components.slice(0, -1), ...last];
  return {
    text,
    matches: (name) => covers(parts, name.split("/"), (part) => part === "**", matchesComponent),
  };
}

/** A component is lower-case letters, digits and `._-`, a domain has capitals and a port besides. */
function isComponent(part: string): boolean {
  return part === "**" || (/^[A-Za-z0-9._:*-]+$/.test(part) && !part.includes("**"));
}

function matchesComponent(part: string, component: string): boolean {
  if (!part.includes("*")) return part === component;
  if (part === "*") return component !== "";
  return covers([...part], [...component], (character) => character === "*", Object.is);
}

/** Greedy matching with one point to fall back to: it suffices, since a later star can take whatever an earlier one could. */
function covers(
  pattern: readonly string[],
  items: readonly string[],
  isStar: (part: string) => boolean,
  fits: (part: string, item: string) => boolean,
): boolean {
  let at = 0;
  let back: { pattern: number; item: number } | undefined;
  for (let item = 0; item < items.length; ) {
    const part = pattern[at];
    if (part !== undefined && isStar(part)) {
      at++;
      back = { pattern: at, item };
    } else if (part !== undefined && fits(part, items[item] ?? "")) {
      at++;
      item++;
    } else if (back) {
      back.item++;
      item = back.item;
      at = back.pattern;
    } else return false;
  }
  return pattern.slice(at).every(isStar);
}
