import { ValueError } from "./go-values.ts";

/**
 * The first record of `text`, as Go's encoding/csv reads it: fields between commas, `"` round a field that holds commas,
 * quotes or line ends, `""` for a quote within.
 *
 * @throws {ValueError} with Go's text; columns count bytes from 1
 */
export function parseCsvRecord(text: string): string[] {
  const reader = new RecordReader(text);
  return reader.record();
}

class RecordReader {
  readonly #lines: string[];
  readonly #fields: string[] = [];
  #next = 0;
  #line = "";
  #column = 1;

  constructor(text: string) {
    this.#lines = text.match(/[^\n]*\n|[^\n]+$/g)?.map((line) => line.replace(/\r\n$/, "\n")) ?? [];
  }

  record(): string[] {
    do {
      if (!this.#readLine()) throw new ValueError("EOF");
    } while (this.#line === "\n");
    const start = this.#next;
    while (this.#line.startsWith('"') ? this.#quoted(start) : this.#plain());
    return this.#fields;
  }

  #readLine(): boolean {
    this.#line = this.#lines[this.#next] ?? "";
    if (this.#next >= this.#lines.length) return false;
    this.#next += 1;
    this.#column = 1;
    return true;
  }

  /** Reads an unquoted field; true if another one follows. */
  #plain(): boolean {
    const comma = this.#line.indexOf(",");
    const field = comma >= 0 ? this.#line.slice(0, comma) : this.#line.replace(/\n$/, "");
    const quote = field.indexOf('"');
    if (quote >= 0) {
      this.#advance(quote);
      throw this.#error(this.#next, this.#column, 'bare " in non-quoted-field');
    }
    this.#fields.push(field);
    this.#advance(comma + 1);
    return comma >= 0;
  }

  /** Reads a quoted field, maybe over several lines; true if another one follows. */
  #quoted(start: number): boolean {
    const reason = 'extraneous or missing " in quoted-field';
    let field = "";
    this.#advance(1);
    for (;;) {
      const quote = this.#line.indexOf('"');
      if (quote < 0) {
        field += this.#line;
        this.#advance(this.#line.length);
        const [line, column] = [this.#next, this.#column];
        if (!this.#readLine()) throw this.#error(start, column, reason, line);
        continue;
      }
      field += this.#line.slice(0, quote);
      this.#advance(quote + 1);
      if (this.#line.startsWith('"')) {
        field += '"';
        this.#advance(1);
      } else if (this.#line === "" || this.#line === "\n" || this.#line.startsWith(",")) {
        this.#fields.push(field);
        const more = this.#line.startsWith(",");
        this.#advance(1);
        return more;
      } else throw this.#error(start, this.#column - 1, reason);
    }
  }

  #advance(characters: number): void {
    this.#column += Buffer.byteLength(this.#line.slice(0, characters));
    this.#line = this.#line.slice(characters);
  }

  #error(start: number, column: number, reason: string, line = this.#next): ValueError {
    const prefix = start === line ? "" : `record on line ${start}; `;
    return new ValueError(`${prefix}parse error on line ${line}, column ${column}: ${reason}`);
  }
}
