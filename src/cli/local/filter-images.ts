import { KnownError, UsageError } from "../../core/errors.ts";
import { parseGoGlob } from "../../core/go-glob.ts";
import { goQuote } from "../../core/go-quote.ts";
import { parseGoBool, ValueError } from "../go-values.ts";
import { type LookUp, referenceFilter } from "./filter-references.ts";
import { parseUntil } from "./filter-until.ts";
import type { ImageRow } from "./image-rows.ts";
import type { LocalImage } from "./local-image.ts";

/** Whether a row is to be shown. */
export type RowFilter = (row: ImageRow) => boolean;

type ImageFilter = (image: LocalImage) => boolean;

/** What filters ask of a store. */
export interface FilterParts {
  /** The image that somebody means. @throws {KnownError} where there is none */
  readonly find: (text: string) => Promise<LocalImage>;
  /** Their number. */
  readonly containersOf: (imageId: string) => number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

type Make = (value: string, parts: FilterParts, key: string) => ImageFilter | Promise<ImageFilter>;

const since: Make = async (value, { find }, key) => {
  const start = await madeAt(key, value, find);
  return ({ created }) => created > start;
};

const makers: Readonly<Record<string, Make>> = {
  after: since,
  since,
  async before(value, { find }, key) {
    const end = await madeAt(key, value, find);
    return ({ created }) => created < end;
  },
  until(value, { now }) {
    const end = parseUntil(value, now);
    return ({ created }) => created < end;
  },
  containers: containersFilter,
  dangling: truth(({ isDangling }) => isDangling),
  intermediate: truth(({ isIntermediate }) => isIntermediate),
  manifest: truth(({ isList }) => isList),
  readonly: truth(({ record }) => record.area.readOnly),
  digest(value) {
    if (!value.startsWith("sha256:"))
      throw new UsageError("usage.bad-flag", `invalid value ${goQuote(value)} for digest filter`);
    return ({ record }) => record.digests.some((digest) => digest.startsWith(value));
  },
  id:
    (value) =>
    ({ record }) =>
      record.id.startsWith(value),
  label: labelFilter,
};

/** Filters that one image answers with the same word each time: two words for one of them are a mistake. */
const onlyOnce: ReadonlySet<string> = new Set([
  "containers",
  "dangling",
  "intermediate",
  "manifest",
  "readonly",
]);

/** What a condition may begin with. */
export const filterNames: readonly string[] = [...Object.keys(makers), "reference"];

function truth(of: ImageFilter): Make {
  return (value, _parts, key) => {
    const wanted = truthOf(key, value);
    return (image) => of(image) === wanted;
  };
}

function truthOf(filter: string, value: string): boolean {
  try {
    return parseGoBool(value);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const message = `non-boolean value ${goQuote(value)} for ${filter} filter: ${error.message}`;
    throw new UsageError("usage.bad-flag", message, { cause: error });
  }
}

/** `external`, which podman knows where it prunes, is refused by its `images` too. */
function containersFilter(value: string, { containersOf }: FilterParts): ImageFilter {
  if (value === "true" || value === "false")
    return ({ record }) => containersOf(record.id) > 0 === (value === "true");
  throw new UsageError(
    "usage.bad-flag",
    `unsupported value ${goQuote(value)} for containers filter`,
  );
}

/** `KEY`, or `KEY=VALUE`; a KEY with a star is looked for anywhere in the label's name. */
function labelFilter(value: string): ImageFilter {
  const [key = ""] = value.split("=", 1);
  const wanted = value.slice(key.length + 1);
  const pattern = key.includes("*") ? parseGoGlob(`*${key}*`) : undefined;
  return ({ config }) =>
    [...(config?.config?.Labels ?? [])].some(
      ([name, found]) =>
        (wanted === "" || found === wanted) && (name === key || pattern?.test(name) === true),
    );
}

async function madeAt(filter: string, image: string, find: FilterParts["find"]): Promise<number> {
  try {
    return (await find(image)).created;
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const what = `${goQuote(filter)}=${goQuote(image)}`;
    throw new UsageError(
      "usage.bad-flag",
      `could not find local image for filter ${what}: ${error.message}`,
      { cause: error },
    );
  }
}

interface Condition {
  readonly key: string;
  readonly value: string;
  readonly isTurned: boolean;
}

/**
 * All of the conditions together, each `filter=value` or, turned round, `filter!=value`; but of several references one is
 * enough.
 *
 * @throws {UsageError} `usage.bad-flag` for one that there is not, and for values that it cannot have
 */
export async function rowFilter(
  conditions: readonly string[],
  parts: FilterParts,
): Promise<RowFilter> {
  const parsed = conditions.map(parseCondition);
  refuseTwoWords(parsed);
  const filters: ImageFilter[] = [];
  for (const { key, value, isTurned } of parsed) {
    const fits = await makers[key]?.(value, parts, key);
    if (fits) filters.push(isTurned ? (image) => !fits(image) : fits);
  }
  const references = parsed.filter(({ key }) => key === "reference");
  const valuesOf = (turned: boolean) =>
    references.filter(({ isTurned }) => isTurned === turned).map(({ value }) => value);
  const isNamed = await referenceFilter(
    { wanted: valuesOf(false), unwanted: valuesOf(true) },
    lookUpIn(parts),
  );
  return (row) => filters.every((fits) => fits(row.image)) && isNamed(row);
}

function lookUpIn({ find }: FilterParts): LookUp {
  return async (text) => {
    try {
      return (await find(text)).record.id;
    } catch (error) {
      if (error instanceof KnownError) return undefined;
      throw error;
    }
  };
}

function parseCondition(condition: string): Condition {
  const [, key = "", sign, value = ""] = /^(.*?)(!=|=)(.*)$/s.exec(condition) ?? [];
  if (filterNames.includes(key)) return { key, value, isTurned: sign === "!=" };
  throw new UsageError(
    "usage.bad-flag",
    `invalid image filter ${goQuote(condition)}: must be in the format "filter=value or filter!=value"`,
    { hint: `Filter by one of ${filterNames.join(", ")}: dangling=true` },
  );
}

function refuseTwoWords(conditions: readonly Condition[]): void {
  const words = new Map<string, string>();
  for (const { key, value } of conditions) {
    if (!onlyOnce.has(key)) continue;
    const known = words.get(key) ?? value;
    words.set(key, value);
    if (known === value) continue;
    throw new UsageError(
      "usage.bad-flag",
      `specifying ${goQuote(key)} filter more than once with different values is not supported`,
    );
  }
}
