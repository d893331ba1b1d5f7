import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type CollectedTest, collected, place, setFile, setUps } from "./collected-tests.ts";

/** What the worker is given. */
export interface Work {
  readonly root: string;
  readonly sources: Readonly<Record<string, string>>;
  readonly testFiles: readonly string[];
  readonly count: number;
  /** Tests that need another program (gpg, say) too. */
  readonly withPeers: boolean;
}

/** What it answers: ready for mutants, or what became of one. */
export type Answer =
  | { readonly kind: "ready"; readonly tests: number; readonly failing: readonly string[] }
  | { readonly kind: "tried"; readonly id: number; readonly fate: string; readonly test?: string };

const state = { active: -1, calls: 0, limit: Number.POSITIVE_INFINITY };
let hits = new Uint8Array(0);

/** A mutant without end is one too: it is stopped after far more steps than the program takes. */
function mutant(id: number): boolean {
  hits[id] = 1;
  state.calls += 1;
  if (state.calls > state.limit) throw new Error("too many steps");
  return state.active === id;
}
Object.assign(globalThis, { mutant });

interface KnownTest extends CollectedTest {
  readonly hits: Uint8Array;
  readonly calls: number;
  readonly ms: number;
}

const known: KnownTest[] = [];
let loadHits = new Uint8Array(0);
let work: Work | undefined;

function installHooks({ root, sources }: Work): void {
  const stripped = new Map<string, string>();
  const isOurs = (url: string) =>
    url.startsWith(pathToFileURL(root).href) && !url.includes("node_modules");
  const sourceOf = (path: string) => {
    const name = path.slice(root.length);
    const text =
      sources[name] ?? stripped.get(name) ?? stripTypeScriptTypes(readFileSync(path, "utf8"));
    stripped.set(name, text);
    return text;
  };
  registerHooks({
    resolve(specifier, context, next) {
      const isTest = context.parentURL?.includes("/test/");
      if (specifier === "node:test" && isTest) {
        return { url: new URL("collected-tests.ts", import.meta.url).href, shortCircuit: true };
      }
      const found = next(specifier, context);
      const query = context.parentURL?.split("?")[1];
      const isFresh = query && isOurs(found.url) && !found.url.includes("?");
      return isFresh ? { ...found, url: `${found.url}?${query}` } : found;
    },
    load(url, context, next) {
      if (!isOurs(url) || !/\.ts(\?|$)/.test(url)) return next(url, context);
      return { format: "module", source: sourceOf(fileURLToPath(url)), shortCircuit: true };
    },
  });
}

async function load(files: readonly string[], query: string): Promise<readonly CollectedTest[]> {
  collected.length = 0;
  for (const file of files) {
    setFile(file);
    setUps.length = 0;
    await import(`${pathToFileURL(`${work?.root}${file}`).href}${query}`);
    for (const setUp of setUps) await setUp();
  }
  return [...collected];
}

async function prepare(next: Work): Promise<void> {
  work = next;
  place.withPeers = next.withPeers;
  installHooks(next);
  hits = new Uint8Array(next.count);
  const tests = await load(next.testFiles, "");
  loadHits = hits;
  const failing: string[] = [];
  for (const test of tests) {
    const first = await measured(test, next.count);
    const second = await measured(test, next.count);
    if (first && second) known.push(second);
    else failing.push(`${test.file}: ${test.name}`);
  }
  // What mutants reach from here on is not what the last test reached.
  hits = new Uint8Array(next.count);
  known.sort((a, b) => a.ms - b.ms);
  send({ kind: "ready", tests: known.length, failing });
}

async function measured(test: CollectedTest, count: number): Promise<KnownTest | undefined> {
  hits = new Uint8Array(count);
  state.calls = 0;
  const start = performance.now();
  if (!(await passes(test, 120_000))) return undefined;
  return { ...test, hits, calls: state.calls, ms: performance.now() - start };
}

async function passes(test: CollectedTest, timeoutMs: number): Promise<boolean> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("too slow")), timeoutMs);
  try {
    await Promise.race([test.run(), promise]);
    return state.calls <= state.limit;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Tries one mutant; one that is awake while modules load needs them loaded anew. */
async function attempt(id: number): Promise<Answer> {
  const covering = known.filter((test) => test.hits[id] === 1);
  if (loadHits[id] === 1) return attemptAnew(id);
  if (covering.length === 0) return { kind: "tried", id, fate: "not reached" };
  return run(id, covering, covering);
}

async function attemptAnew(id: number): Promise<Answer> {
  // No test comes near a module of constants only: then it is all of them.
  const near = known.filter(({ hits: seen }) => isNear(seen, id));
  const files = new Set((near.length > 0 ? near : known).map(({ file }) => file));
  try {
    for (const file of files) {
      state.active = id;
      state.calls = 0;
      state.limit = 100_000_000;
      const tests = await load([file], `?mutant=${id}`);
      const answer = await run(id, tests, known);
      if (answer.kind === "tried" && answer.fate !== "lived") return answer;
    }
  } catch {
    return { kind: "tried", id, fate: "killed", test: "loading" };
  } finally {
    state.active = -1;
  }
  return { kind: "tried", id, fate: "lived" };
}

/** Whether a test comes near a mutant of a module's top: it reaches some mutant of the same file. */
function isNear(seen: Uint8Array, id: number): boolean {
  const [from, to] = ranges.find(([first, end]) => id >= first && id < end) ?? [0, 0];
  return seen.subarray(from, to).includes(1);
}

const ranges: (readonly [number, number])[] = [];

async function run(
  id: number,
  tests: readonly CollectedTest[],
  measures: readonly KnownTest[],
): Promise<Answer> {
  for (const test of tests) {
    const usual = measures.find(({ file, name }) => file === test.file && name === test.name);
    if (!usual) continue;
    state.active = id;
    state.calls = 0;
    state.limit = usual.calls * 20 + 500_000;
    const isPassed = await passes(test, usual.ms * 20 + 20_000);
    state.active = -1;
    state.limit = Number.POSITIVE_INFINITY;
    if (!isPassed) return { kind: "tried", id, fate: "killed", test: `${test.file}: ${test.name}` };
  }
  return { kind: "tried", id, fate: "lived" };
}

function send(answer: Answer): void {
  process.send?.(answer);
}

process.on(
  "message",
  (message: Work | { readonly ids: readonly number[] } | { readonly ranges: typeof ranges }) => {
    void answerTo(message);
  },
);
process.on("unhandledRejection", () => {});

async function answerTo(
  message: Work | { readonly ids: readonly number[] } | { readonly ranges: typeof ranges },
): Promise<void> {
  if ("ranges" in message) ranges.push(...message.ranges);
  else if ("ids" in message) for (const id of message.ids) send(await attempt(id));
  else await prepare(message);
}
