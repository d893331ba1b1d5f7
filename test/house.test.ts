import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The floors of the house: a room imports only rooms below it, or itself. */
const floors: Readonly<Record<string, number>> = {
  core: 0,
  stream: 1,
  config: 1,
  libc: 1,
  encryption: 1,
  registry: 2,
  storage: 2,
  layout: 2,
  "docker-tar": 2,
  sigstore: 2,
  transport: 3,
  policy: 3,
  copy: 4,
  sync: 5,
  jobs: 6,
  server: 7,
  cli: 8,
  library: 9,
  main: 9,
};

/** Where a room sees less than what lies below it. */
const narrower: Readonly<Record<string, readonly string[]>> = {
  config: ["core"],
  registry: ["core", "stream", "config"],
  policy: ["core", "sigstore"],
  sigstore: ["core"],
  encryption: ["core"],
};

/** A file of the program: its path from the root, its text, and what it imports, as paths from the root. */
interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
  /** Those that are still there when it runs: no `import type`. */
  readonly loads: readonly string[];
}

const files: SourceFile[] = [];

before(async () => {
  for await (const path of glob("{src,policy,sigstore}/**/*.ts", { cwd: root })) {
    const text = readFileSync(join(root, path), "utf8");
    const loads = importsOf(path, text.replaceAll(/^(?:import|export) type\b[^;]*;/gm, ""));
    files.push({ path, text, imports: importsOf(path, text), loads });
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  assert.ok(files.length > 0);
});

function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/^(?:import|export)\b[^;"]*?from "([^"]+)"|import\("([^"]+)"\)/gm);
  return [...found]
    .map((match) => match[1] ?? match[2] ?? "")
    .filter((name) => name.startsWith("."))
    .map((name) => relative(root, join(root, dirname(path), name)));
}

function roomOf(path: string): string {
  const parts = path.split("/");
  if (parts[0] !== "src") return parts[0] ?? "";
  return parts.length === 2 ? (parts[1] ?? "").replace(/\.ts$/, "") : (parts[1] ?? "");
}

/** Failures of one rule, each as `file: what`. */
function offences(rule: (file: SourceFile) => readonly string[]): string[] {
  return files.flatMap((file) => rule(file).map((what) => `${file.path}: ${what}`));
}

test("every room has its floor", () => {
  assert.deepEqual(
    offences((file) => (floors[roomOf(file.path)] === undefined ? [roomOf(file.path)] : [])),
    [],
  );
});

test("a room imports only rooms below it", () => {
  const tooHigh = (from: string, to: string) => {
    if (from === to) return false;
    const seen = narrower[from];
    return seen ? !seen.includes(to) : (floors[to] ?? 99) >= (floors[from] ?? -1);
  };
  assert.deepEqual(
    offences(({ path, imports }) =>
      imports.filter((name) => tooHigh(roomOf(path), roomOf(name)) && !isWebUse(path, name)),
    ),
    [],
  );
});

/** Look-aside stores and the services that sign are reached over HTTP, and the former are configured by files. */
function isWebUse(path: string, imported: string): boolean {
  const place = /^sigstore\/(lookaside|services)\//.exec(path)?.[1];
  if (place === undefined) return false;
  if (/^src\/registry\/http(\/|\.ts$)/.test(imported)) return true;
  return (
    /^src\/stream\//.test(imported) || (place === "lookaside" && /^src\/config\//.test(imported))
  );
}

test("transports do not see each other", () => {
  const transportOf = (path: string) => /^src\/transport\/([^/]+)\//.exec(path)?.[1];
  assert.deepEqual(
    offences(({ path, imports }) => {
      const own = transportOf(path);
      if (own === undefined) return [];
      return imports.filter((name) => ![undefined, "contract", own].includes(transportOf(name)));
    }),
    [],
  );
});

test("copy sees of the transports their contract only", () => {
  assert.deepEqual(
    offences(({ path, imports }) =>
      roomOf(path) !== "copy"
        ? []
        : imports.filter(
            (name) => roomOf(name) === "transport" && !name.startsWith("src/transport/contract/"),
          ),
    ),
    [],
  );
});

test("no file only hands on what others export", () => {
  assert.deepEqual(
    offences(({ path, text }) => {
      const hands = /^export\s+(?:type\s+)?(?:\*|\{[^}]*\})\s*(?:as\s+\w+\s+)?from\s/m.test(text);
      return hands || path.endsWith("/index.ts") ? ["a barrel"] : [];
    }),
    [],
  );
});

test("files load each other in no circle", () => {
  const importsByPath = new Map(files.map((file) => [file.path, file.loads]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(" -> "));
    if (done.has(path) || way.includes(path)) return;
    for (const next of importsByPath.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  assert.deepEqual(circles, []);
});

test("environment, arguments, clock and console are the edge's", () => {
  // The page's script runs in a browser: it is an edge of its own.
  const edge = /^src\/(cli\/|main\.ts$|config\/load[^/]*\.ts$|server\/page\/client\/)/;
  const words = /\bprocess\.(?:env|argv)\b|\bDate\.now\(|\bconsole\.\w+\(/g;
  assert.deepEqual(
    offences(({ path, text }) =>
      edge.test(path) ? [] : [...withoutComments(text).matchAll(words)].map((match) => match[0]),
    ),
    [],
  );
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

test("every export says what it is", () => {
  assert.deepEqual(
    offences(({ text }) => undocumented(text)),
    [],
  );
});

/** Exported names without a doc comment; overloads after the first need none. */
function undocumented(text: string): string[] {
  const lines = text.split("\n");
  const seen = new Set<string>();
  const found: string[] = [];
  lines.forEach((line, index) => {
    const name =
      /^export (?:declare |abstract |async )*(?:class|function\*?|const|let|interface|type) (\w+)/.exec(
        line,
      )?.[1];
    if (name === undefined || seen.has(name)) return;
    seen.add(name);
    if (!lines[index - 1]?.trimEnd().endsWith("*/")) found.push(name);
  });
  return found;
}
