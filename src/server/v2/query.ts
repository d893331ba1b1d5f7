import { RegistryAnswerError } from "./answer-error.ts";

/** One parameter of a query: as it was written, and what it says. */
interface Parameter {
  /** `key=value`, still encoded. */
  readonly written: string;
  readonly key: string;
  readonly value: string;
}

/** Those that may be given once: two that differ would be read in two ways. */
const single = new Set([
  "n",
  "last",
  "ns",
  "digest",
  "mount",
  "from",
  "digest-algorithm",
  "artifactType",
]);
const maxParameters = 128;

/** The query of a request, each parameter decoded once; what is not known here is kept, and not looked at. */
export class Query {
  readonly #parameters: readonly Parameter[];

  /** @throws {RegistryAnswerError} 400 where it is not well encoded, or a parameter is given twice */
  constructor(text: string) {
    const written = text === "" ? [] : text.split("&");
    if (written.length > maxParameters) throw bad("too many query parameters");
    this.#parameters = written.filter((pair) => pair !== "").map(parseParameter);
    const seen = new Set<string>();
    for (const { key } of this.#parameters) {
      if (single.has(key) && seen.has(key)) throw bad(`query parameter "${key}" is given twice`);
      seen.add(key);
    }
  }

  /** Undefined where it is not given. */
  get(key: string): string | undefined {
    return this.#parameters.find((parameter) => parameter.key === key)?.value;
  }

  /** All values of one that may be given several times. */
  all(key: string): readonly string[] {
    return this.#parameters.filter((parameter) => parameter.key === key).map(({ value }) => value);
  }

  /** The query as it was written, but for these: set anew behind the others. */
  replaced(values: Readonly<Record<string, string>>): string {
    const kept = this.#parameters.filter(({ key }) => !Object.hasOwn(values, key));
    const added = Object.entries(values).map(
      ([key, value]) => `${key}=${encodeURIComponent(value)}`,
    );
    return [...kept.map(({ written }) => written), ...added].join("&");
  }
}

/** No parameter. */
export const emptyQuery = new Query("");

function parseParameter(written: string): Parameter {
  const equals = written.indexOf("=");
  const key = equals < 0 ? written : written.slice(0, equals);
  const value = equals < 0 ? "" : written.slice(equals + 1);
  // What goes back into a Link header must be an URL's text.
  if (!/^[!-~]*$/.test(written) || /["<>\\^`{|}]/.test(written))
    throw bad("the query is not encoded");
  return { written, key: decode(key), value: decode(value) };
}

function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw bad("the query is not encoded");
  }
  if (/[\0-\x1f\x7f]/.test(decoded)) throw bad("the query has control characters");
  return decoded;
}

function bad(message: string): RegistryAnswerError {
  return new RegistryAnswerError("UNSUPPORTED", message, { status: 400 });
}
