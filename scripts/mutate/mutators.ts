import {
  type BinaryExpression,
  type CallExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from "typescript/unstable/ast";

/** One way to write a node otherwise. `statement` nodes are left out, which needs no text. */
export interface Change {
  readonly node: Node;
  readonly text: string;
  readonly isStatement: boolean;
}

const operators: Readonly<Record<string, readonly string[]>> = {
  "&&": ["||"],
  "||": ["&&"],
  "===": ["!=="],
  "!==": ["==="],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "%": ["*"],
  "&": ["|"],
  "|": ["&"],
  "^": ["|"],
  "<<": [">>"],
  ">>": ["<<"],
};

/** Methods by another, or by none at all: then the receiver stands for the call. */
const methods: Readonly<Record<string, string | undefined>> = {
  some: "every",
  every: "some",
  min: "max",
  max: "min",
  startsWith: "endsWith",
  endsWith: "startsWith",
  filter: undefined,
  slice: undefined,
  subarray: undefined,
  toLowerCase: undefined,
  trim: undefined,
  take: undefined,
  toSorted: undefined,
  sort: undefined,
};

/** A word of a format, a code, a name: no sentence for a person. */
const isWord = (text: string) => !/\s/.test(text);

/** What a node may be replaced by, by its kind: a list of new texts for it or for parts of it. */
type Mutator = (node: Node, textOf: (node: Node) => string) => readonly Change[];

const replaced = (node: Node | undefined, ...texts: readonly string[]): readonly Change[] =>
  node ? texts.map((text) => ({ node, text, isStatement: false })) : [];

const removed: Mutator = (node, textOf) =>
  textOf(node).startsWith("super") ? [] : [{ node, text: "", isStatement: true }];

/** Nothing instead of a value; not where that is as good as what is there. */
const nothing = (node: Node, textOf: (node: Node) => string): readonly Change[] =>
  ["undefined", "false", "null"].includes(textOf(node)) ? [] : replaced(node, "undefined");

const mutators: Readonly<Record<number, Mutator>> = {
  [SyntaxKind.ExpressionStatement]: removed,
  [SyntaxKind.ThrowStatement]: removed,
  [SyntaxKind.ContinueStatement]: removed,
  [SyntaxKind.BreakStatement]: removed,
  [SyntaxKind.BinaryExpression]: (node, textOf) => binary(node as BinaryExpression, textOf),
  [SyntaxKind.IfStatement]: (node) => replaced(partsOf(node).expression, "true", "false"),
  [SyntaxKind.WhileStatement]: (node) => replaced(partsOf(node).expression, "false"),
  [SyntaxKind.ForStatement]: (node) => replaced(partsOf(node).condition, "false"),
  [SyntaxKind.ConditionalExpression]: (node) => replaced(partsOf(node).condition, "true", "false"),
  [SyntaxKind.ReturnStatement]: (node, textOf) => {
    const { expression } = partsOf(node);
    return expression ? nothing(expression, textOf) : removed(node, textOf);
  },
  [SyntaxKind.ArrowFunction]: (node, textOf) => {
    const { body } = partsOf(node);
    return body && body.kind !== SyntaxKind.Block ? nothing(body, textOf) : [];
  },
  [SyntaxKind.PrefixUnaryExpression]: (node, textOf) =>
    textOf(node).startsWith("!") ? replaced(node, textOf(node).slice(1)) : [],
  [SyntaxKind.TrueKeyword]: (node) => replaced(node, "false"),
  [SyntaxKind.FalseKeyword]: (node) => replaced(node, "true"),
  [SyntaxKind.NumericLiteral]: (node, textOf) => replaced(node, `(${textOf(node)} + 1)`),
  [SyntaxKind.BigIntLiteral]: (node, textOf) => replaced(node, `(${textOf(node)} + 1n)`),
  [SyntaxKind.StringLiteral]: (node, textOf) =>
    isWord(textOf(node)) ? replaced(node, textOf(node) === '""' ? '"mutant"' : '""') : [],
  [SyntaxKind.RegularExpressionLiteral]: (node, textOf) =>
    replaced(node, ...unanchored(textOf(node))),
  [SyntaxKind.ArrayLiteralExpression]: (node, textOf) =>
    textOf(node).length > 2 ? replaced(node, "[]") : [],
  [SyntaxKind.CallExpression]: (node, textOf) =>
    replaced(node, ...otherCalls(node as CallExpression, textOf)),
};

/** What may be changed at this node, or at a part of it that it gives a meaning to. */
export function changesOf(node: Node, file: SourceFile): readonly Change[] {
  const textOf = (one: Node) => file.text.slice(one.getStart(file), one.end);
  return mutators[node.kind]?.(node, textOf) ?? [];
}

interface Parts {
  readonly expression?: Node;
  readonly condition?: Node;
  readonly body?: Node;
}

const partsOf = (node: Node): Parts => node as unknown as Parts;

function binary(node: BinaryExpression, textOf: (node: Node) => string): readonly Change[] {
  const { left, right } = node;
  const operator = textOf(node.operatorToken);
  if (operator === "??") return replaced(node, textOf(left));
  const others = (operators[operator] ?? []).map(
    (one) => `(${textOf(left)}) ${one} (${textOf(right)})`,
  );
  const neutral = { "&&": "true", "||": "false" }[operator];
  const without = neutral ? [...replaced(left, neutral), ...replaced(right, neutral)] : [];
  return [...replaced(node, ...others), ...without];
}

function otherCalls(node: CallExpression, textOf: (node: Node) => string): readonly string[] {
  const callee = node.expression as Node & { readonly name?: Node; readonly expression?: Node };
  if (callee.kind !== SyntaxKind.PropertyAccessExpression) return [];
  if (!callee.name || !callee.expression || textOf(callee).includes("?.")) return [];
  const name = textOf(callee.name);
  if (!Object.hasOwn(methods, name)) return [];
  const receiver = textOf(callee.expression);
  const other = methods[name];
  return [other ? `${receiver}.${other}${textOf(node).slice(textOf(callee).length)}` : receiver];
}

/** The regular expression without its anchors, each alone. */
function unanchored(text: string): readonly string[] {
  const end = text.lastIndexOf("/");
  const [source, flags] = [text.slice(1, end), text.slice(end + 1)];
  const others = [source.replace(/^\^/, ""), source.replace(/\$$/, "")];
  return others.filter((one) => one !== source && one !== "").map((one) => `/${one}/${flags}`);
}
