import { RegistryAnswerError } from "./answer-error.ts";
import { emptyQuery, Query } from "./query.ts";

/** A request's target, taken apart. Nothing in it is encoded any more. */
export interface RequestTarget {
  /** What comes before the repository's name in the path: `/v2/`, or `/hub/v2/` of containerd's `override_path`. */
  readonly base: string;
  /** Name of what lies in front of `v2`, to be joined with the repository's: `hub/` or nothing. */
  readonly prefix: string;
  /** What comes behind the base: none empty but the last. */
  readonly components: readonly string[];
  readonly query: Query;
}

const maxLength = 8192;

/** Whether a request is for the registry's API, however it is written; what else is wrong with it is for later. */
export function isRegistryTarget(target: string): boolean {
  return /^(?:\/[^/?#]+)*\/v2(?:[/?#]|$)/.test(target);
}

/**
 * Takes a request's target apart, as it was sent. Whatever two programs could read as two different paths is refused,
 * not tidied up: dots, empty components, escapes (but `%3A`, which some clients write in digests), backslashes.
 *
 * @throws {RegistryAnswerError} 400 NAME_INVALID, 404 where it is not the registry's
 */
export function parseRequestTarget(target: string): RequestTarget {
  if (target.length > maxLength) throw invalid("the request target is too long");
  if (!target.startsWith("/")) throw invalid("the request target is not a path");
  const mark = target.indexOf("?");
  const query = mark < 0 ? emptyQuery : new Query(target.slice(mark + 1));
  const path = decodePath(mark < 0 ? target : target.slice(0, mark));
  const components = path.slice(1).split("/");
  refuseOddComponents(components);
  const at = components.indexOf("v2");
  if (at < 0) throw unknownEndpoint();
  const front = components.slice(0, at).join("/");
  const prefix = front === "" ? "" : `${front}/`;
  return { base: `/${prefix}v2/`, prefix, components: components.slice(at + 1), query };
}

/** Of a path that leads to nothing this API has. */
export function unknownEndpoint(): RegistryAnswerError {
  return new RegistryAnswerError("UNSUPPORTED", "there is no such endpoint", { status: 404 });
}

function decodePath(path: string): string {
  const decoded = path.includes("%") ? path.replace(/%3a/gi, ":") : path;
  if (!/^[A-Za-z0-9._~:@!$&'()*+,;=/-]*$/.test(decoded)) {
    throw invalid("the path has characters that no name has");
  }
  return decoded;
}

function refuseOddComponents(components: readonly string[]): void {
  components.forEach((component, at) => {
    if (component === "." || component === "..") throw invalid("the path has dots for components");
    if (component === "" && at < components.length - 1) {
      throw invalid("the path has empty components");
    }
  });
}

function invalid(message: string): RegistryAnswerError {
  return new RegistryAnswerError("NAME_INVALID", message, { status: 400 });
}
