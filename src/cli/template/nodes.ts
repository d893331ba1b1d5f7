import { goQuote } from "../../core/go-quote.ts";

/** Where a node stands in its template, in characters from 0. */
interface At {
  readonly position: number;
}

/** A word of a command. Names are without their dots. */
export type Operand =
  | (At & { readonly type: "bool"; readonly value: boolean })
  | (At & { readonly type: "dot" })
  | (At & { readonly type: "nil" })
  | (At & { readonly type: "number"; readonly text: string; readonly constant: Constant })
  | (At & { readonly type: "string"; readonly quoted: string; readonly value: string })
  | (At & { readonly type: "identifier"; readonly name: string })
  | (At & { readonly type: "field"; readonly names: readonly string[] })
  | (At & { readonly type: "variable"; readonly name: string; readonly names: readonly string[] })
  | (At & { readonly type: "chain"; readonly node: Operand; readonly names: readonly string[] })
  | Pipe;

/** What a number may be used as; several at once, as untyped constants are. */
export interface Constant {
  readonly int?: bigint;
  readonly float?: number;
  readonly complex?: readonly [number, number];
  /** What it is where nothing else is asked for. */
  readonly ideal: "int" | "float" | "complex";
}

/** A function, method or value with its arguments. */
export interface Command extends At {
  readonly type: "command";
  readonly words: readonly Operand[];
}

/** A variable that is declared or assigned, with its `$`. */
export interface Variable extends At {
  readonly name: string;
}

/** Commands joined by `|`, and the variables that take the result. */
export interface Pipe extends At {
  readonly type: "pipe";
  readonly variables: readonly Variable[];
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

/** A list of nodes under a condition or over a range, and what stands after its `{{else}}`. */
export interface Branch extends At {
  readonly type: "if" | "with" | "range";
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[] | undefined;
}

/** What a template is made of. */
export type Node =
  | (At & { readonly type: "text"; readonly text: string })
  | (At & { readonly type: "action"; readonly pipe: Pipe })
  | (At & { readonly type: "template"; readonly name: string; readonly pipe: Pipe | undefined })
  | (At & { readonly type: "break" | "continue" })
  | Branch;

/** A node as Go prints it in error messages. */
export function printNode(node: Node | Operand | Command): string {
  switch (node.type) {
    case "text":
      return node.text;
    case "action":
      return `{{${printNode(node.pipe)}}}`;
    case "template":
      return `{{template ${goQuote(node.name)}${node.pipe ? ` ${printNode(node.pipe)}` : ""}}}`;
    case "break":
    case "continue":
      return `{{${node.type}}}`;
    case "if":
    case "with":
    case "range":
      return printBranch(node);
    case "command":
      return node.words.map(printWord).join(" ");
    case "pipe":
      return printPipe(node);
    default:
      return printOperand(node);
  }
}

function printBranch({ type, pipe, body, otherwise }: Branch): string {
  const rest = otherwise ? `{{else}}${otherwise.map(printNode).join("")}` : "";
  return `{{${type} ${printNode(pipe)}}}${body.map(printNode).join("")}${rest}{{end}}`;
}

function printPipe({ variables, assigns, commands }: Pipe): string {
  const names = variables.map((variable) => variable.name).join(", ");
  const declared = variables.length === 0 ? "" : `${names} ${assigns ? "=" : ":="} `;
  return declared + commands.map(printNode).join(" | ");
}

function printWord(word: Operand): string {
  return word.type === "pipe" ? `(${printPipe(word)})` : printOperand(word);
}

function printOperand(node: Exclude<Operand, Pipe>): string {
  switch (node.type) {
    case "bool":
      return String(node.value);
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "number":
      return node.text;
    case "string":
      return node.quoted;
    case "identifier":
      return node.name;
    case "field":
      return node.names.map((name) => `.${name}`).join("");
    case "variable":
      return [node.name, ...node.names].join(".");
    case "chain":
      return printWord(node.node) + node.names.map((name) => `.${name}`).join("");
  }
}
