import type { Document, Node, Pair, Scalar, YAMLMap } from "yaml";
import { ConfigError } from "./errors.ts";

/** The parser, loaded only where there is a file to parse. */
export type Yaml = typeof import("yaml");

/** A member of a mapping: its name, its value, the line of its name. */
export type YamlMember = readonly [name: string, value: Node | null, line: number];

/** Untyped YAML read as Go's yaml.v3 reads it into structs: what is wrong is collected, and told at the end. */
export class YamlReading {
  readonly root: Node | null;
  readonly #yaml: Yaml;
  readonly #path: string;
  readonly #shown: string;
  readonly #document: Document;
  readonly #lines: InstanceType<Yaml["LineCounter"]>;
  readonly #wrong: string[] = [];
  #merges = 0;

  /** @param shown how the path stands in messages */
  constructor(yaml: Yaml, text: string, path: string, shown = path) {
    this.#yaml = yaml;
    this.#path = path;
    this.#shown = shown;
    this.#lines = new yaml.LineCounter();
    const parsed = yaml.parseAllDocuments(text, {
      schema: "failsafe", // scalars stay as written: what they are taken for depends on what is wanted
      uniqueKeys: false,
      logLevel: "silent",
      lineCounter: this.#lines,
    });
    const document = "empty" in parsed ? new yaml.Document(null) : parsed[0];
    this.#document = document ?? new yaml.Document(null);
    const [error] = this.#document.errors;
    if (error) {
      const line = this.#lines.linePos(error.pos[0]).line;
      throw this.#invalid(`yaml: line ${line}: ${error.message.split("\n", 1)[0]}`);
    }
    this.root = this.#document.contents as Node | null;
  }

  /** The members of a mapping, or none where something else stands. */
  *members(node: Node | null, wanted: string, depth = 0): Generator<YamlMember> {
    const map = this.#resolved(node);
    if (this.isNull(map)) return;
    if (!this.#yaml.isMap(map)) return this.#cannot(map as Node, wanted);
    if (this.#refuseTwice(map)) return;
    for (const { key, value } of map.items as readonly Pair<Node, Node | null>[]) {
      const name = this.#resolved(key);
      if (this.#yaml.isScalar(name) && name.value === "<<")
        yield* this.#merged(value, wanted, depth);
      else if (this.#yaml.isScalar(name))
        yield [String(name.value ?? ""), value, this.#lineOf(key)];
      else if (name) this.#cannot(name, "string");
    }
  }

  /** A merge that takes in itself, or thousands of others, is a trap and nothing else. */
  *#merged(node: Node | null, wanted: string, depth: number): Generator<YamlMember> {
    if (depth > 20 || this.#merges++ > 1000) throw this.#invalid("yaml: too many merges");
    const source = this.#resolved(node);
    const items = this.#yaml.isSeq(source) ? (source.items as readonly Node[]) : [source];
    for (const item of items) yield* this.members(item, wanted, depth + 1);
  }

  #refuseTwice(map: YAMLMap): boolean {
    const seen = new Map<string, number>();
    const before = this.#wrong.length;
    for (const { key } of map.items as readonly Pair<Node>[]) {
      if (!this.#yaml.isScalar(key)) continue;
      const name = String(key.value ?? "");
      const line = this.#lineOf(key);
      const first = seen.get(name);
      if (first === undefined) seen.set(name, line);
      else {
        this.#wrong.push(
          `line ${line}: mapping key ${JSON.stringify(name)} already defined at line ${first}`,
        );
      }
    }
    return this.#wrong.length > before;
  }

  text(node: Node | null): string | undefined {
    const value = this.#resolved(node);
    if (this.isNull(value)) return undefined;
    if (this.#yaml.isScalar(value)) return String(value.value ?? "");
    this.#cannot(value as Node, "string");
    return undefined;
  }

  texts(node: Node | null): readonly string[] {
    const list = this.#resolved(node);
    if (this.#yaml.isSeq(list)) return list.items.map((item) => this.text(item as Node) ?? "");
    if (list) this.#cannot(list, "a list of URLs");
    return [];
  }

  /** Truth as YAML 1.2 has it, and as 1.1 had it. */
  flag(node: Node | null): boolean | undefined {
    const value = this.#resolved(node);
    if (this.isNull(value)) return undefined;
    if (this.#yaml.isScalar(value)) {
      const text = String(value.value ?? "");
      if (isPlain(value) && /^(?:true|True|TRUE)$/.test(text)) return true;
      if (isPlain(value) && /^(?:false|False|FALSE)$/.test(text)) return false;
      if (/^(?:y|Y|yes|on)$/.test(text)) return true;
      if (/^(?:n|N|no|off)$/.test(text)) return false;
    }
    this.#cannot(value as Node, "bool");
    return undefined;
  }

  isNull(node: Node | null): boolean {
    const value = this.#resolved(node);
    if (value === null) return true;
    return (
      this.#yaml.isScalar(value) &&
      isPlain(value) &&
      ["", "~", "null", "Null", "NULL"].includes(String(value.value ?? ""))
    );
  }

  /** A member that Go's strict decoding does not know. */
  notFound(key: string, line: number, type: string): void {
    this.#wrong.push(`line ${line}: field ${key} not found in type ${type}`);
  }

  unknown(key: string, value: Node | null): void {
    this.#wrong.push(`line ${this.#lineOf(value)}: ${JSON.stringify(key)} is not known here`);
  }

  /** @throws {ConfigError} `config.invalid` where anything was wrong */
  end(): void {
    if (this.#wrong.length === 0) return;
    throw this.#invalid(`yaml: unmarshal errors:\n  ${this.#wrong.join("\n  ")}`);
  }

  #resolved(node: Node | null): Node | null {
    if (!this.#yaml.isAlias(node)) return node;
    const meant = node.resolve(this.#document);
    if (!meant) throw this.#invalid(`yaml: unknown anchor '${node.source}' referenced`);
    return meant;
  }

  #cannot(node: Node, wanted: string): void {
    const shown = this.#yaml.isScalar(node) ? ` \`${shortened(String(node.value ?? ""))}\`` : "";
    this.#wrong.push(
      `line ${this.#lineOf(node)}: cannot unmarshal ${this.#tagOf(node)}${shown} into ${wanted}`,
    );
  }

  #tagOf(node: Node): string {
    if (this.#yaml.isSeq(node)) return "!!seq";
    if (this.#yaml.isMap(node)) return "!!map";
    const text = this.#yaml.isScalar(node) ? String(node.value ?? "") : "";
    if (!this.#yaml.isScalar(node) || !isPlain(node)) return "!!str";
    if (/^[-+]?\d+$/.test(text)) return "!!int";
    if (/^[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) return "!!float";
    return /^(?:true|True|TRUE|false|False|FALSE)$/.test(text) ? "!!bool" : "!!str";
  }

  #lineOf(node: Node | null): number {
    return this.#lines.linePos(node?.range?.[0] ?? 0).line;
  }

  #invalid(what: string): ConfigError {
    return new ConfigError("config.invalid", `parsing ${this.#shown}: ${what}`, {
      file: this.#path,
    });
  }
}

function isPlain(scalar: Scalar): boolean {
  return scalar.type === "PLAIN" || scalar.type === undefined;
}

function shortened(text: string): string {
  return text.length > 10 ? `${text.slice(0, 7)}...` : text;
}
