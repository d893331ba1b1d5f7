import {
  type DockerReference,
  formatDockerReference,
  repositoryName,
} from "../../core/docker-reference.ts";
import { parseGoGlob } from "../../core/go-glob.ts";
import type { RowFilter } from "./filter-images.ts";
import { type LocalImage, parseName } from "./local-image.ts";

/** What `reference` filters ask for. */
export interface WantedReferences {
  /** Any of these. */
  readonly wanted: readonly string[];
  /** None of these. */
  readonly unwanted: readonly string[];
}

/** The ID of the image that a user means by a text, if any. */
export type LookUp = (text: string) => Promise<string | undefined>;

/**
 * Images that a text means, or of which a name, whole or without its tag, its domain or its path, fits it as a pattern. One
 * whole reference alone asks for that name: others of the same image are not shown then.
 */
export async function referenceFilter(
  { wanted, unwanted }: WantedReferences,
  lookUp: LookUp,
): Promise<RowFilter> {
  if (wanted.length === 0 && unwanted.length === 0) return () => true;
  const [takes, refuses] = [await anyOf(wanted, lookUp), await anyOf(unwanted, lookUp)];
  const only = wanted.length === 1 && unwanted.length === 0 ? wholeReference(wanted[0]) : undefined;
  return ({ image, name }) => {
    if (refuses(image)) return false;
    if (wanted.length > 0 && !takes(image)) return false;
    return only === undefined || name === undefined || isNamed(name, only);
  };
}

async function anyOf(
  texts: readonly string[],
  lookUp: LookUp,
): Promise<(image: LocalImage) => boolean> {
  const ids = new Set<string | undefined>();
  for (const text of texts) ids.add(await lookUp(text));
  const patterns = texts.flatMap((text) => parseGoGlob(text) ?? []);
  return ({ record: { id, names } }) => {
    if (ids.has(id)) return true;
    const forms = names.flatMap(formsOf);
    return patterns.some((pattern) => forms.some((form) => pattern.test(form)));
  };
}

/** All that a name may be called. */
function formsOf(name: string): readonly string[] {
  const reference = parseName(name);
  if (!reference) return [name];
  const { path } = reference;
  const whole = repositoryName(reference);
  const rest = name.startsWith(whole) ? name.slice(whole.length) : "";
  const last = path.slice(path.lastIndexOf("/") + 1);
  return [whole, path, last].flatMap((form) => [form, form + rest]);
}

/** Domain, path, and a tag or a digest, as they are kept. */
function wholeReference(text = ""): DockerReference | undefined {
  const reference = parseName(text);
  if (!reference || (reference.tag === undefined && reference.digest === undefined))
    return undefined;
  return formatDockerReference(reference) === text ? reference : undefined;
}

function isNamed(name: string, wanted: DockerReference): boolean {
  if (wanted.digest === undefined) return name === formatDockerReference(wanted);
  const reference = parseName(name);
  return reference !== undefined && repositoryName(reference) === repositoryName(wanted);
}
