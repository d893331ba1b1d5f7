import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { parseArguments } from "./arguments.ts";
import { type Command, measured, type Sample } from "./measure.ts";
import { type ServeRow, serveTable } from "./serve-report.ts";
import { type Ends, SyncWorld } from "./sync-world.ts";
import { findProgram, findTools, type Tool } from "./tools.ts";

const usage = `node bench/sync.ts [--quick] [--runs N] [--skopeo-runs N] [--tags N] [--more-tags N] [--rtt MS] [--no-memory]
  [--prefix "WORDS"], [--peer "NAME=WORDS"]  as of bench/main.ts
`;

/** What our share of a peer's time may be. */
const goals: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "fresh, far": { crane: 0.5, skopeo: 0.05 },
  "nothing to do, far": { crane: 0.5, skopeo: 0.02 },
  "fresh, near": { crane: 1 },
  "nothing to do, near": { crane: 1 },
};

/** How a tool mirrors all tags of one repository. */
const dialects: Readonly<Record<string, (ends: Ends) => readonly string[]>> = {
  amphora: skopeoWords,
  skopeo: skopeoWords,
  crane: ({ source, destination }) => [
    ...["copy", "--insecure", "--all-tags"],
    ...[`${source}/many`, `${destination}/mirror/many`],
  ],
};

function skopeoWords({ source, destination }: Ends): readonly string[] {
  return [
    ...["--insecure-policy", "sync", "--src", "docker", "--dest", "docker"],
    ...["--src-tls-verify=false", "--dest-tls-verify=false"],
    ...[`${source}/many`, `${destination}/mirror`],
  ];
}

function commandOf({ name, words }: Tool, ends: Ends): Command {
  return { words: [...words, ...(dialects[name]?.(ends) ?? [])] };
}

interface Measured {
  readonly fresh: Sample[];
  readonly again: Sample[];
}

/** Every tool in turn fills an empty registry, and runs once more with nothing to do; that as often as wanted. */
async function runs(
  world: SyncWorld,
  tools: readonly Tool[],
  rttMs: number,
  times: (tool: Tool) => number,
): Promise<ReadonlyMap<string, Measured>> {
  const all = new Map(
    tools.map(({ name }) => [name as string, { fresh: [], again: [] } as Measured]),
  );
  for (let run = 0; run < Math.max(...tools.map(times)); run++) {
    for (const tool of tools) {
      if (run >= times(tool)) continue;
      await world.empty();
      await using ends = await world.ends(rttMs);
      all.get(tool.name)?.fresh.push(await measured(commandOf(tool, ends)));
      all.get(tool.name)?.again.push(await measured(commandOf(tool, ends)));
    }
  }
  return all;
}

function rowsOf(all: ReadonlyMap<string, Measured>, where: string): ServeRow[] {
  const ours = all.get("amphora");
  const rows: ServeRow[] = [];
  for (const [tool, theirs] of all) {
    if (!ours || tool === "amphora") continue;
    for (const [what, kind] of [
      ["fresh", "fresh"],
      ["nothing to do", "again"],
    ] as const) {
      const name = `${what}, ${where}`;
      const atMost = goals[name]?.[tool];
      rows.push({
        name: `${name}, beside ${tool}`,
        unit: "ms",
        ours: ours[kind].map(({ wallMs }) => wallMs),
        theirs: theirs[kind].map(({ wallMs }) => wallMs),
        ourCpu: ours[kind].map(({ cpuMs }) => cpuMs ?? 0),
        theirCpu: theirs[kind].map(({ cpuMs }) => cpuMs ?? 0),
        ...(atMost !== undefined && { goal: { of: "ratio", atMost } }),
      });
    }
  }
  return rows;
}

/** How many requests each tool sends, fresh and with nothing to do. */
async function requests(
  world: SyncWorld,
  tools: readonly Tool[],
  tags: number,
): Promise<ServeRow[]> {
  const rows: ServeRow[] = [];
  for (const tool of tools) {
    if (tool.name === "skopeo") continue; // minutes, for what is known
    await world.empty();
    for (const what of ["fresh", "nothing to do"]) {
      const count = await world.count((ends) => measured(commandOf(tool, ends)));
      rows.push({ name: `requests a tag, ${what}, ${tool.name}`, unit: "", ours: [count / tags] });
    }
  }
  return rows;
}

/** Peak memory with some tags, and with very many. */
async function memory(
  registry: readonly string[],
  [ours]: readonly Tool[],
  few: number,
  many: number,
): Promise<ServeRow[]> {
  if (!ours) return [];
  const peaks = new Map<number, { fresh: number; again: number }>();
  for (const count of [few, many]) {
    await using world = await SyncWorld.make(registry, { count, ownBytes: 2000 });
    const all = (await runs(world, [ours], 0, () => 1)).get(ours.name);
    peaks.set(count, {
      fresh: all?.fresh[0]?.memoryMb ?? 0,
      again: all?.again[0]?.memoryMb ?? 0,
    });
  }
  return (["fresh", "again"] as const).map((kind) => ({
    name: `peak memory, ${kind}: ${many} tags (other: ${few})`,
    unit: "MB",
    ours: [peaks.get(many)?.[kind] ?? 0],
    theirs: [peaks.get(few)?.[kind] ?? 0],
    goal: { of: "ratio", atMost: 1.3 },
  }));
}

/** `node bench/sync.ts`: a mirror of many tags, beside crane and skopeo on the same registries in the same run. */
async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      "skopeo-runs": { type: "string", default: "1" },
      tags: { type: "string" },
      "more-tags": { type: "string" },
      rtt: { type: "string", default: "20" },
      "no-memory": { type: "boolean", default: false },
      prefix: { type: "string" },
      peer: { type: "string", multiple: true },
    },
  });
  const args = parseArguments(
    [
      ...(values.prefix === undefined ? [] : ["--prefix", values.prefix]),
      ...(values.peer ?? []).flatMap((peer) => ["--peer", peer]),
    ],
    process.env,
  );
  const registry = await findProgram("docker-registry", args);
  if (!registry) throw new Error("no docker-registry on PATH, nor behind --prefix");
  const tools = (await findTools(args)).filter(({ name }) => dialects[name]);
  const count = Number(values.tags ?? (values.quick ? 40 : 200));
  const perTool = Number(values.runs ?? (values.quick ? 1 : 3));
  const times = ({ name }: Tool) => (name === "skopeo" ? Number(values["skopeo-runs"]) : perTool);
  console.log(`${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${count} tags`);
  const rows: ServeRow[] = [];
  {
    await using world = await SyncWorld.make(registry, { count, ownBytes: 200_000 });
    rows.push(...rowsOf(await runs(world, tools, Number(values.rtt), times), "far"));
    const near = tools.filter(({ name }) => name !== "skopeo");
    rows.push(...rowsOf(await runs(world, near, 0, times), "near"));
    rows.push(...(await requests(world, tools, count)));
  }
  if (!values["no-memory"]) {
    const many = Number(values["more-tags"] ?? (values.quick ? 400 : 5000));
    rows.push(...(await memory(registry, tools, count, many)));
  }
  console.log(serveTable(rows));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error);
  process.exitCode = 1;
}
