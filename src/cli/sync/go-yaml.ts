import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLMap,
} from "yaml";

/** What is merged into itself, or many times over, has no end. */
const mostMerges = 1000;

/** One member of a mapping: its name, and what is to be read of it. */
export interface GoMember {
  readonly name: string;
  readonly line: number;
  readonly value: unknown;
}

/**
 * Reads YAML into known types as Go's yaml.v3 does, with its words for what does not fit. What is wrong is collected, and
 * reading goes on.
 */
export class GoYaml {
  readonly errors: string[] = [];
  readonly root: unknown;
  /** What kept the text from being YAML at all: `line 3: …`. */
  readonly syntaxError: string | undefined;
  readonly #document: Document;
  readonly #lines = new LineCounter();
  #merges = 0;

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: false });
    this.root = this.#document.contents;
    const [first] = this.#document.errors;
    const told = first?.message.replace(/ at line \d+, column \d+.*$/s, "");
    this.syntaxError = first && `line ${this.#lines.linePos(first.pos[0]).line}: ${told}`;
  }

  /**
   * The members of a mapping, those merged into it last; none where there is no value.
   *
   * @param isSecret what stands there instead is not shown
   */
  members(node: unknown, type: string, isSecret = false): readonly GoMember[] {
    const value = this.#resolved(node);
    if (isNull(value)) return [];
    if (isMap(value)) return [...this.#ownMembers(value).values()];
    return this.#mismatch(value, type, [], isSecret);
  }

  /** The items of a list; none where there is no value. */
  items(node: unknown, type: string): readonly unknown[] {
    const value = this.#resolved(node);
    if (isNull(value)) return [];
    return isSeq(value) ? value.items : this.#mismatch(value, type, []);
  }

  /** Whether more is merged than anybody writes by hand: then not all was read. */
  get isExcessive(): boolean {
    return this.#merges > mostMerges;
  }

  /** Any scalar, as it is written. */
  text(node: unknown): string {
    const value = this.#resolved(node);
    if (isNull(value)) return "";
    return isScalar(value) ? textOf(value) : this.#mismatch(value, "string", "");
  }

  /** YAML 1.1's words too, as Go takes them. */
  bool(node: unknown): boolean | undefined {
    const value = this.#resolved(node);
    if (isNull(value)) return undefined;
    if (!isScalar(value)) return this.#mismatch(value, "bool", undefined);
    if (typeof value.value === "boolean") return value.value;
    const text = isPlain(value) ? textOf(value) : "";
    if (/^(y|Y|yes|Yes|YES|on|On|ON)$/.test(text)) return true;
    if (/^(n|N|no|No|NO|off|Off|OFF)$/.test(text)) return false;
    return this.#mismatch(value, "bool", undefined);
  }

  /** Notes a member that the type does not have; Go's strict reading says so. */
  unknown({ name, line }: GoMember, type: string): void {
    this.errors.push(`line ${line}: field ${name} not found in type ${type}`);
  }

  #ownMembers(map: YAMLMap): Map<string, GoMember> {
    const members = new Map<string, GoMember>();
    const merged: unknown[] = [];
    for (const pair of map.items) {
      const member = this.#member(pair);
      const before = members.get(member.name);
      if (member.name === "<<") merged.push(member.value);
      else if (before)
        this.errors.push(
          `line ${member.line}: mapping key ${JSON.stringify(member.name)} already defined at line ${before.line}`,
        );
      else members.set(member.name, member);
    }
    for (const member of merged.flatMap((each) => this.#mergedMembers(each)))
      if (!members.has(member.name)) members.set(member.name, member);
    return members;
  }

  #mergedMembers(node: unknown): readonly GoMember[] {
    if (++this.#merges > mostMerges) return [];
    const value = this.#resolved(node);
    if (isMap(value)) return [...this.#ownMembers(value).values()];
    return isSeq(value) ? value.items.flatMap((item) => this.#mergedMembers(item)) : [];
  }

  #member({ key, value }: Pair): GoMember {
    return { name: this.text(key), line: this.#lineOf(key), value };
  }

  #resolved(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }

  #lineOf(node: unknown): number {
    const range = isScalar(node) || isMap(node) || isSeq(node) ? node.range : undefined;
    return range ? this.#lines.linePos(range[0]).line : 1;
  }

  #mismatch<T>(node: unknown, type: string, instead: T, isSecret = false): T {
    const found = isSecret ? described(node).replace(/ .*/s, "") : described(node);
    this.errors.push(`line ${this.#lineOf(node)}: cannot unmarshal ${found} into ${type}`);
    return instead;
  }
}

function isNull(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function isPlain(node: { readonly type?: string | undefined }): boolean {
  return node.type === "PLAIN";
}

function textOf(node: { readonly value: unknown; readonly source?: string | undefined }): string {
  return typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
}

/** `!!str` and the beginning of its text in back quotes; of what has members only the tag. */
function described(node: unknown): string {
  if (isMap(node)) return "!!map";
  if (isSeq(node)) return "!!seq";
  if (!isScalar(node)) return "!!null";
  const text = textOf(node);
  return `${tagOf(node.value)} \`${text.length > 10 ? `${text.slice(0, 7)}...` : text}\``;
}

function tagOf(value: unknown): string {
  if (typeof value === "boolean") return "!!bool";
  if (typeof value !== "number") return "!!str";
  return Number.isInteger(value) ? "!!int" : "!!float";
}
