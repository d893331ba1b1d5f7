import { ContentError } from "./errors.ts";
import { type JsonNode, JsonNumber, JsonObject } from "./json-text.ts";

/**
 * A Go type as encoding/json reads and writes it. Documents go through these so that what is written is, byte for byte,
 * what the Go tools write.
 *
 * `read` works upon a value that is there already, because Go does: a member that occurs twice is read over the first,
 * `null` changes nothing but pointers, lists and maps.
 */
export interface GoType<T> {
  readonly name: string;
  readonly zero: T;
  read(node: JsonNode, current: T, reading: Reading): T;
  write(value: T): string;
  /** What `omitempty` leaves out. */
  isEmpty(value: T): boolean;
}

/** One document being read: where we are, and the first thing that did not fit. */
export class Reading {
  readonly #path: string[] = [];
  #struct = "";
  failure: string | undefined;

  /** Notes that `node`, or of a number its very text, is not of the Go type called `type`. */
  mismatch(node: JsonNode, type: string, number?: string): void {
    const what = number === undefined ? describe(node) : `number ${number}`;
    const field = `struct field ${this.#struct}.${this.#path.join(".")}`;
    const target = this.#path.length === 0 ? "value" : field;
    this.fail(`json: cannot unmarshal ${what} into Go ${target} of type ${type}`);
  }

  fail(message: string): void {
    this.failure ??= message;
  }

  /** Reads a member of a struct. Messages name the innermost struct, and the members from the outermost one down. */
  within<T>(struct: string, path: readonly string[], read: () => T): T {
    const outer = this.#struct;
    this.#struct = struct;
    this.#path.push(...path);
    const value = read();
    this.#path.length -= path.length;
    this.#struct = outer;
    return value;
  }
}

/**
 * `node` as a value of `type`.
 *
 * @throws {ContentError} `code`, with Go's text
 */
export function readAs<T>(
  type: GoType<T>,
  node: JsonNode,
  code: "content.bad-manifest" | "content.bad-config" | "content.bad-json",
): T {
  const reading = new Reading();
  const value = type.read(node, type.zero, reading);
  if (reading.failure !== undefined) throw new ContentError(code, reading.failure);
  return value;
}

function describe(node: JsonNode): string {
  if (node === null) return "null";
  if (node instanceof JsonNumber) return "number";
  if (node instanceof JsonObject) return "object";
  if (typeof node === "boolean") return "bool";
  return typeof node === "string" ? "string" : "array";
}
