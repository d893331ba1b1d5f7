import { TemplateError } from "./error.ts";
import { type Command, type Node, type Operand, printNode } from "./nodes.ts";
import type { ParsedTemplate } from "./parser.ts";

/** Where a run of a template is, as its errors tell it. */
export class Place {
  readonly #template: ParsedTemplate;
  readonly #name: string;
  #node: Node | Operand | Command | undefined;

  /** @param name of the template that runs: itself, or one that it defines */
  constructor(template: ParsedTemplate, name: string) {
    this.#template = template;
    this.#name = name;
  }

  /** What goes wrong from now on, goes wrong here. */
  at(node: Node | Operand | Command): void {
    this.#node = node;
  }

  /** The error as Go tells it, with line, column and node. */
  error(message: string): TemplateError {
    const { name, text } = this.#template;
    const node = this.#node;
    if (!node) return new TemplateError(`template: ${name}: ${message}`);
    const before = text.slice(0, node.position);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    return new TemplateError(
      `template: ${name}:${line}:${column}: executing ${JSON.stringify(this.#name)} at <${printNode(node)}>: ${message}`,
    );
  }
}
