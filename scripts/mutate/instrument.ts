import { stripTypeScriptTypes } from "node:module";
import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import { type Change, changesOf } from "./mutators.ts";

/** One small mistake in the program, told apart by its number. */
export interface Mutant {
  readonly id: number;
  readonly file: string;
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** A file with all its mutants in it, each asleep until `mutant(id)` says true. */
export interface Instrumented {
  readonly source: string;
  readonly mutants: readonly Mutant[];
}

const typesOnly: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.ImportDeclaration,
  SyntaxKind.ExportDeclaration,
]);

/** Puts every mutant of `file` into its text, numbered from `firstId`, and takes the types away. */
export function instrument(file: SourceFile, path: string, firstId: number): Instrumented {
  const changes = new Map<Node, Change[]>();
  collect(file, file, changes);
  const mutants: Mutant[] = [];
  const source = render(file, file, (node, text) => {
    for (const change of changes.get(node) ?? []) {
      const mutant = describe(change, file, path, firstId + mutants.length);
      mutants.push(mutant);
      text = wrap(change, mutant.id, text);
    }
    return text;
  });
  return { source: stripTypeScriptTypes(source), mutants };
}

function collect(node: Node, file: SourceFile, changes: Map<Node, Change[]>): void {
  if (isType(node)) return;
  for (const change of changesOf(node, file)) {
    if (!canWrap(change.node, file)) continue;
    const known = changes.get(change.node) ?? [];
    if (known.every((one) => one.text !== change.text)) known.push(change);
    changes.set(change.node, known);
  }
  node.forEachChild((child) => collect(child, file, changes));
}

function isType({ kind }: Node): boolean {
  return (
    typesOnly.has(kind) || (kind >= SyntaxKind.FirstTypeNode && kind <= SyntaxKind.LastTypeNode)
  );
}

/** Not a name, and not the beginning of an optional chain, which parentheses would end. */
function canWrap(node: Node, file: SourceFile): boolean {
  const parent = node.parent as Node & { readonly name?: Node; readonly expression?: Node };
  if (parent.name === node) return false;
  const isInChain =
    parent.expression === node &&
    (parent.kind === SyntaxKind.PropertyAccessExpression ||
      parent.kind === SyntaxKind.ElementAccessExpression ||
      parent.kind === SyntaxKind.CallExpression);
  return !isInChain || !file.text.slice(node.pos, node.end).includes("?.");
}

function render(
  node: Node,
  file: SourceFile,
  wrapped: (node: Node, text: string) => string,
): string {
  const start = node.getStart(file);
  let text = "";
  let at = start;
  if (isType(node)) return file.text.slice(start, node.end);
  node.forEachChild((child) => {
    const begin = child.getStart(file);
    if (begin < at) return;
    text += file.text.slice(at, begin) + render(child, file, wrapped);
    at = child.end;
  });
  return wrapped(node, text + file.text.slice(at, node.end));
}

function wrap({ text: changed, isStatement }: Change, id: number, text: string): string {
  if (isStatement) return `{ if (!mutant(${id})) ${text} }`;
  return `(mutant(${id}) ? (${changed}) : (${text}))`;
}

function describe({ node, text }: Change, file: SourceFile, path: string, id: number): Mutant {
  const start = node.getStart(file);
  const line = file.text.slice(0, start).split("\n").length;
  const oneLine = (code: string) => code.replaceAll(/\s+/g, " ").slice(0, 120);
  return {
    id,
    file: path,
    line,
    before: oneLine(file.text.slice(start, node.end)),
    after: oneLine(text),
  };
}
