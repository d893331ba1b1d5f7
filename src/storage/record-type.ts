import { goString } from "../core/go-json.ts";
import { fold, type GoField, goStruct, type StructOf } from "../core/go-struct.ts";
import { type GoType, Reading } from "../core/go-type.ts";
import { type JsonNode, JsonObject, parseJsonText } from "../core/json-text.ts";
import { decodeUtf8 } from "../core/utf8.ts";
import { StorageError } from "./errors.ts";

type Fields = Readonly<Record<string, GoField<unknown>>>;

/** One record of a database: what we know of it, and all of it as it was written. */
export interface Row<F extends Fields> {
  readonly values: StructOf<F>;
  readonly members: readonly RawMember[];
}

interface RawMember {
  readonly name: string;
  /** JSON. */
  readonly raw: string;
}

/** Records nest no deeper than a few levels; Go's limit is 10 000. */
const maxDepth = 1000;

/**
 * A kind of record. What is not changed stays as it was written, to the letter: members that we do not know, and numbers that
 * a double cannot hold.
 */
export class RecordType<const F extends Fields> {
  readonly #fields: F;
  readonly #struct: GoType<StructOf<F>>;

  constructor(name: string, fields: F) {
    this.#fields = fields;
    this.#struct = goStruct(name, fields);
  }

  /**
   * The records of a database file, an array; an empty file has none.
   *
   * @throws {StorageError} `storage.invalid`, with Go's text: the Go tools refuse such a store too, or would lose records of it
   */
  parse(bytes: Uint8Array, path: string): Row<F>[] {
    const text = decodeUtf8(bytes);
    if (text === "") return [];
    const document = told(path, () => parseJsonText(text, { maxDepth }));
    if (document === null) return [];
    if (!Array.isArray(document)) throw invalid(path, "not an array of records");
    return document.map((node: JsonNode) => this.#read(node, path));
  }

  /** A new record of these members. */
  create(values: Partial<StructOf<F>>): Row<F> {
    return this.change({ values: this.#struct.zero, members: [] }, values);
  }

  /** The record with these members set anew. An empty one is left out where its kind allows that. */
  change(row: Row<F>, values: Partial<StructOf<F>>): Row<F> {
    const members = [...row.members];
    for (const [name, value] of Object.entries(values)) {
      const { type, omitEmpty } = this.#fields[name] as GoField<unknown>;
      const raw = omitEmpty && type.isEmpty(value) ? undefined : type.write(value);
      setMember(members, name, raw);
    }
    return { values: { ...row.values, ...values }, members };
  }

  #read(node: JsonNode, path: string): Row<F> {
    if (!(node instanceof JsonObject)) throw invalid(path, "a record is no object");
    const reading = new Reading();
    const values = this.#struct.read(node, this.#struct.zero, reading);
    if (reading.failure !== undefined) throw invalid(path, reading.failure);
    return { values, members: node.members };
  }
}

/** The text of a database file. */
export function formatRows(rows: readonly Row<Fields>[]): string {
  const objects = rows.map(({ members }) => {
    const texts = members.map(({ name, raw }) => `${goString(name)}:${raw}`);
    return `{${texts.join(",")}}`;
  });
  return `[${objects.join(",")}]`;
}

/** Replaces a member, however its name's case, or adds it; undefined takes it away. */
function setMember(members: RawMember[], name: string, raw: string | undefined): void {
  const isSame = (member: RawMember) => fold(member.name) === fold(name);
  const at = members.findIndex(isSame);
  const others = members.filter((member) => !isSame(member));
  if (raw !== undefined) others.splice(at < 0 ? others.length : at, 0, { name, raw });
  members.splice(0, members.length, ...others);
}

function told<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error), error);
  }
}

function invalid(path: string, message: string, cause?: unknown): StorageError {
  return new StorageError("storage.invalid", `loading ${path}: ${message}`, { cause });
}
