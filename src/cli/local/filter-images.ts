import { KnownError, UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { parseGoBool, ValueError } from "../go-values.ts";
import type { ImageRow } from "./image-rows.ts";

/** Whether a row is to be shown. */
export type RowFilter = (row: ImageRow) => boolean;

/** When the image was made that somebody means, in milliseconds since 1970. Throws where there is none. */
export type CreatedOf = (image: string) => Promise<number>;

const makers: Readonly<
  Record<string, (value: string, createdOf: CreatedOf) => RowFilter | Promise<RowFilter>>
> = {
  async before(value, createdOf) {
    const end = await madeAt("before", value, createdOf);
    return ({ image }) => image.created < end;
  },
  async since(value, createdOf) {
    const start = await madeAt("since", value, createdOf);
    return ({ image }) => image.created > start;
  },
  async after(value, createdOf) {
    const start = await madeAt("after", value, createdOf);
    return ({ image }) => image.created > start;
  },
  dangling(value) {
    const wanted = truthOf("dangling", value);
    return ({ image }) => (image.record.names.length === 0) === wanted;
  },
  digest(value) {
    if (!value.startsWith("sha256:"))
      throw new UsageError("usage.bad-flag", `invalid value ${goQuote(value)} for digest filter`);
    return ({ image }) => image.record.digests.some((digest) => digest.startsWith(value));
  },
  id:
    (value) =>
    ({ image }) =>
      image.record.id.startsWith(value),
  label(value) {
    const [key = ""] = value.split("=", 1);
    const wanted = value.includes("=") ? value.slice(key.length + 1) : undefined;
    return ({ image }) => {
      const found = image.config?.config?.Labels?.get(key);
      return found !== undefined && (wanted === undefined || found === wanted);
    };
  },
  manifest(value) {
    const wanted = truthOf("manifest", value);
    return ({ image }) => image.isList === wanted;
  },
  readonly(value) {
    const wanted = truthOf("readonly", value);
    return ({ image }) => image.record.area.readOnly === wanted;
  },
  reference: (value) => referenceFilter(value),
};

/** Rows whose name is this, whole or without its tag, its domain or its path. */
export function referenceFilter(value: string): RowFilter {
  const pattern = patternOf(value);
  return ({ repository, tag }) => {
    const [, path = ""] = /^[^/]*\/(.*)$/.exec(repository) ?? [];
    const last = repository.slice(repository.lastIndexOf("/") + 1);
    const names = [repository, path, last].flatMap((name) => [name, `${name}:${tag}`]);
    return names.some((name) => pattern.test(name));
  };
}

async function madeAt(filter: string, image: string, createdOf: CreatedOf): Promise<number> {
  try {
    return await createdOf(image);
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

function truthOf(filter: string, value: string): boolean {
  try {
    return parseGoBool(value);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const message = `non-boolean value ${goQuote(value)} for ${filter} filter: ${error.message}`;
    throw new UsageError("usage.bad-flag", message, { cause: error });
  }
}

/** Of a name: `*` stands for anything but a slash, `?` for one such character. */
function patternOf(text: string): RegExp {
  const escaped = text.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}$`);
}

/**
 * All of the conditions together, each `filter=value` or, turned round, `filter!=value`.
 *
 * @throws {UsageError} `usage.bad-flag` for one that there is not, and for values that it cannot have
 */
export async function rowFilter(
  conditions: readonly string[],
  createdOf: CreatedOf,
): Promise<RowFilter> {
  const filters: RowFilter[] = [];
  for (const condition of conditions) filters.push(await filterOf(condition, createdOf));
  return (row) => filters.every((fits) => fits(row));
}

async function filterOf(condition: string, createdOf: CreatedOf): Promise<RowFilter> {
  const [, name = "", sign, value = ""] = /^(.*?)(!=|=)(.*)$/s.exec(condition) ?? [];
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (!make) {
    throw new UsageError("usage.bad-flag", `invalid image filter ${JSON.stringify(condition)}`, {
      hint: `Filter by one of ${Object.keys(makers).join(", ")}: dangling=true`,
    });
  }
  const fits = await make(value, createdOf);
  return sign === "!=" ? (row) => !fits(row) : fits;
}
