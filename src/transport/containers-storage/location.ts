import type { StoreRequest } from "../../config/load-store-place.ts";
import { isDigest } from "../../core/digest.ts";
import {
  type DockerReference,
  formatDockerReference,
  parseDockerReference,
  withLatest,
} from "../../core/docker-reference.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { storageScopes } from "../../core/policy-scopes.ts";

/** A store as it stands in a reference that leaves nothing open. */
export interface NamedStore {
  readonly driver: string;
  readonly graphroot: string;
  readonly runroot: string;
  readonly options: readonly string[];
}

/** Which image of a store is meant: by its name, its ID, or the one that has both. */
export interface StoredImage {
  readonly docker?: DockerReference;
  /** 64 hex digits. */
  readonly id?: string;
}

/** Finds an image by its ID, by its name, or by the beginning of its ID. */
export type FindImage = (text: string) => Promise<{ readonly id: string } | undefined>;

/** Shorter texts are not taken for the beginning of an ID, as in skopeo. */
const leastIdLength = 3;

/**
 *     text      = [ "[" specifier "]" ] image
 *     specifier = [ driver "@" ] graphroot [ "+" runroot ] [ ":" option *( "," option ) ]
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export function splitStore(text: string): {
  /** Undefined where the user's own store is meant. */
  readonly store: StoreRequest | undefined;
  readonly image: string;
} {
  if (!text.startsWith("[")) return { store: undefined, image: text };
  const end = text.indexOf("]");
  if (end < 0) throw bad("invalid reference");
  return { store: parseSpecifier(text.slice(1, end)), image: text.slice(end + 1) };
}

function parseSpecifier(text: string): StoreRequest {
  if (text === "") throw bad("invalid reference");
  const [driver, place = ""] = text.includes("@") ? cut(text, "@") : [undefined, text];
  if (driver === "" || place === "") throw bad("invalid reference");
  const [roots, options] = cut(place, ":");
  const [graphroot, runroot = ""] = cut(roots, "+");
  for (const root of [graphroot, runroot]) {
    if (root !== "" && !root.startsWith("/")) throw bad("path name is not absolute");
  }
  return {
    ...(driver !== undefined && { driver }),
    ...(graphroot !== "" && { graphroot }),
    ...(runroot !== "" && { runroot }),
    options: options === undefined ? [] : options.split(","),
  };
}

function cut(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 *     image = name [ ":" tag ] [ "@" digest ] [ "@" id ] | "@" id | beginning of an id
 *
 * An image that is there is looked for where the text may be the beginning of its ID.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export async function parseImage(text: string, find: FindImage): Promise<StoredImage> {
  if (text === "") throw bad('"" is an empty reference: invalid reference');
  const { rest, id } = await peelId(text, find);
  if (rest === "") return id === undefined ? {} : { id };
  const short =
    id === undefined && rest.length >= leastIdLength && !/[@:]/.test(rest)
      ? await idThatBegins(rest, find)
      : undefined;
  if (short !== undefined) return { id: short };
  return { docker: parseName(rest), ...(id !== undefined && { id }) };
}

/** A digest behind the last `@` is the name's; anything else must be an ID. */
async function peelId(
  text: string,
  find: FindImage,
): Promise<{ readonly rest: string; readonly id?: string }> {
  const at = text.lastIndexOf("@");
  if (at < 0) return { rest: text };
  const last = text.slice(at + 1);
  if (last === "") throw bad(`empty trailing digest or ID in ${goQuote(text)}: invalid reference`);
  if (isDigest(last)) return { rest: text };
  const rest = text.slice(0, at);
  if (/^[0-9a-f]{64}$/.test(last)) return { rest, id: last };
  const id = last.length >= leastIdLength ? await idThatBegins(last, find) : undefined;
  if (id !== undefined) return { rest, id };
  throw bad(`${goQuote(last)} does not look like an image ID or digest: invalid reference`);
}

async function idThatBegins(text: string, find: FindImage): Promise<string | undefined> {
  const image = await find(text);
  return image?.id.startsWith(text) ? image.id : undefined;
}

function parseName(text: string): DockerReference {
  try {
    return withLatest(parseDockerReference(text));
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(`parsing named reference ${goQuote(text)}: ${error.message}`);
  }
}

/** A store in brackets, with nothing left open. What has a comma in it, or a bracket, is not read back as it was. */
export function storeText({ driver, graphroot, runroot, options }: NamedStore): string {
  return `[${driver}@${graphroot}+${runroot}${options.length > 0 ? `:${options.join(",")}` : ""}]`;
}

/** The reference with nothing left open, as skopeo prints it. */
export function storageReference(store: NamedStore, image: StoredImage): ImageReference {
  const { driver, graphroot } = store;
  const name = image.docker ? formatDockerReference(image.docker) : "";
  const id = image.id === undefined ? "" : `@${image.id}`;
  return {
    transport: "containers-storage",
    text: `${storeText(store)}${name}${id}`,
    ...(image.docker && { docker: image.docker }),
    ...storageScopes({ driver, root: graphroot, ...image }),
  };
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-reference", message);
}
