import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { API } from "typescript/unstable/sync";
import { instrument, type Mutant } from "./mutate/instrument.ts";
import type { Answer, Work } from "./mutate/worker.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: "string", multiple: true, default: ["test/{policy,sigstore}/**/*.test.ts"] },
    without: { type: "string", multiple: true, default: ["**/{fuzz,mutations}.test.ts"] },
    sample: { type: "string", default: "all" },
    seed: { type: "string", default: "1" },
    "with-peers": { type: "boolean", default: false },
    out: { type: "string" },
    again: { type: "string" },
  },
});

interface Program {
  readonly work: Work;
  readonly mutants: readonly Mutant[];
  readonly ranges: readonly (readonly [number, number])[];
}

function read(files: readonly string[]): Program {
  const api = new API({ cwd: root });
  const [project] = api.updateSnapshot({ openProjects: [`${root}tsconfig.json`] }).getProjects();
  const sources: Record<string, string> = {};
  const mutants: Mutant[] = [];
  const ranges: (readonly [number, number])[] = [];
  for (const path of files) {
    const file = project?.program.getSourceFile(root + path);
    if (!file) throw new Error(`${path} is not of the project`);
    const made = instrument(file, path, mutants.length);
    ranges.push([mutants.length, mutants.length + made.mutants.length]);
    sources[path] = made.source;
    mutants.push(...made.mutants);
  }
  api.close();
  const testFiles = globSync(options.tests, { cwd: root, exclude: options.without }).sort();
  const withPeers = options["with-peers"];
  return { work: { root, sources, testFiles, count: mutants.length, withPeers }, mutants, ranges };
}

/** `count` of them that look random and are the same for one seed. */
function sampled(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  let state = seed;
  const dice = mutants.map((mutant) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return { mutant, number: state };
  });
  const chosen = dice.sort((a, b) => a.number - b.number).slice(0, count);
  return chosen.map(({ mutant }) => mutant).sort((a, b) => a.id - b.id);
}

/** Those that an earlier run left alive, found by what they change: lines move. */
function alive(mutants: readonly Mutant[], results: string): readonly Mutant[] {
  const earlier: readonly (Mutant & { readonly fate: string })[] = JSON.parse(results);
  const nameOf = ({ file, before, after }: Mutant) => `${file}: ${before} => ${after}`;
  const names = new Set(earlier.filter(({ fate }) => fate !== "killed").map(nameOf));
  return mutants.filter((mutant) => names.has(nameOf(mutant)));
}

/** What mutants leave behind is gone at the end; a gpg-agent whose home is gone ends. */
const temp = mkdtempSync(join(tmpdir(), "amphora-mutants-"));
process.on("exit", () => rmSync(temp, { recursive: true, force: true }));

async function startWorker({ work, ranges }: Program): Promise<ChildProcess> {
  const child = fork(new URL("mutate/worker.ts", import.meta.url), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, TMPDIR: temp },
    execArgv: ["--disable-warning=ExperimentalWarning", "--max-old-space-size=2048"],
  });
  child.send(work);
  child.send({ ranges });
  const [answer] = (await once(child, "message")) as [Answer];
  if (answer.kind === "ready") {
    console.error(`${answer.tests} tests`);
    for (const name of answer.failing) console.error(`left out, fails of itself: ${name}`);
  }
  return child;
}

/** A minute and more for one mutant is a hang that no counter sees. */
const patienceMs = 180_000;

async function tryOne(child: ChildProcess, id: number): Promise<Answer> {
  child.send({ ids: [id] });
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), patienceMs);
  const { signal } = over;
  const ended = once(child, "exit", { signal }).then(() => [undefined]);
  try {
    const [answer] = (await Promise.race([once(child, "message", { signal }), ended])) as [
      Answer | undefined,
    ];
    return answer ?? { kind: "tried", id, fate: "killed", test: "the process ended" };
  } catch {
    child.kill("SIGKILL");
    return { kind: "tried", id, fate: "killed", test: "time" };
  } finally {
    clearTimeout(timer);
    ended.catch(() => undefined);
    over.abort();
  }
}

const files = globSync(positionals, { cwd: root }).sort();
const program = read(files);
const count = options.sample === "all" ? program.mutants.length : Number(options.sample);
const chosen = options.again
  ? alive(program.mutants, readFileSync(options.again, "utf8"))
  : sampled(program.mutants, count, Number(options.seed));
console.error(`${chosen.length} of ${program.mutants.length} mutants in ${files.length} files`);
let child = await startWorker(program);
const fates: Record<string, number> = {};
const results: object[] = [];
const save = () => options.out && writeFileSync(options.out, JSON.stringify(results, null, 1));
for (const mutant of chosen) {
  if (child.exitCode !== null || child.signalCode !== null) child = await startWorker(program);
  const answer = await tryOne(child, mutant.id);
  if (answer.kind !== "tried") continue;
  fates[answer.fate] = (fates[answer.fate] ?? 0) + 1;
  results.push({ ...mutant, fate: answer.fate, test: answer.test });
  if (results.length % 50 === 0) save();
  if (answer.fate === "killed") continue;
  console.log(
    `${mutant.file}:${mutant.line} ${answer.fate}: ${mutant.before}  =>  ${mutant.after}`,
  );
}
child.kill("SIGKILL");
save();
console.error(`${chosen.length} tried: ${JSON.stringify(fates)}`);
