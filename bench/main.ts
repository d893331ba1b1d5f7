import { rm, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { type Arguments, parseArguments, usage } from "./arguments.ts";
import { type Case, cases, freshFolder, type Ports } from "./cases.ts";
import { commandOf } from "./commands.ts";
import { firstConnect } from "./first-connect.ts";
import { counted } from "./forwarders.ts";
import { accounts, type Command, measured, type Sample } from "./measure.ts";
import { caseTable, type Result } from "./report.ts";
import { stagedBytes } from "./staging.ts";
import { findTools, type Tool } from "./tools.ts";
import { World } from "./world.ts";

/** Runs us and every peer found on the same images, in turns, and prints what share of their time and memory ours is. */
async function main(args: Arguments): Promise<void> {
  const tools = await findTools(args);
  console.log(
    `tools: ${tools.map(({ name, words }) => `${name} (${words.join(" ")})`).join(", ")}`,
  );
  console.log(
    `${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${args.runs} runs each`,
  );
  if (!accounts) console.log("no /usr/bin/time here: CPU and memory are not measured");
  const results: Result[] = [];
  await using world = await World.make(args, tools[0] as Tool);
  for (const one of cases.filter(({ name }) => name.includes(args.only ?? ""))) {
    const found = await runCase(one, tools, world, args.runs);
    console.log(caseTable(one.name, found, one.goal));
    results.push(...found);
  }
  if ("first connection".includes(args.only ?? "first")) {
    const found = await firstConnections(tools, args.runs);
    console.log(caseTable("first connection, and node -e 0", found, undefined));
    results.push(...found);
  }
  if (args.json) await writeFile(args.json, `${JSON.stringify(results, null, 2)}\n`);
}

/** Every tool in turn, and that as often as wanted: whatever slows the machine down meets all of them. */
async function runCase(
  one: Case,
  tools: readonly Tool[],
  world: World,
  runs: number,
): Promise<readonly Result[]> {
  const able = tools.filter((tool) => commandIn(one, tool, world) !== undefined);
  const samples = new Map<Tool, Sample[]>(able.map((tool) => [tool, []]));
  const failures = new Map<Tool, string>();
  for (let run = 0; run < runs; run++) {
    for (const tool of able) {
      if (failures.has(tool)) continue;
      try {
        await freshen(one, world);
        samples.get(tool)?.push(await measured(commandIn(one, tool, world) as Command));
      } catch (error) {
        failures.set(tool, (error as Error).message.trim());
      }
    }
  }
  const results: Result[] = [];
  for (const tool of able) {
    const failure = failures.get(tool);
    results.push({
      case: one.name,
      tool: tool.name,
      samples: samples.get(tool) ?? [],
      ...(failure ? { failure } : one.counts && (await countCase(one, tool, world))),
      ...(!failure && one.stages && { stagedBytes: await stagedIn(one, tool, world) }),
    });
  }
  return results;
}

async function freshen(one: Case, world: World): Promise<void> {
  if (one.fresh === "destination") await world.destination.empty();
  if (one.fresh === "tls-destination") await world.tlsDestination.empty();
  if (one.fresh === "folder") await rm(freshFolder(world), { recursive: true, force: true });
}

function commandIn(one: Case, tool: Tool, world: World, ports?: Ports): Command | undefined {
  const own = { source: world.source.port, destination: world.destination.port };
  return commandOf(tool, one.task(world, ports ?? own));
}

/** One run more, through forwarders that count. */
async function countCase(
  one: Case,
  tool: Tool,
  world: World,
): Promise<{ readonly requests: number; readonly bytes: number }> {
  await freshen(one, world);
  const [source, destination] = await world.counters();
  await using _ = source;
  await using __ = destination;
  await counted(source);
  await counted(destination);
  await measured(
    commandIn(one, tool, world, { source: source.port, destination: destination.port }) as Command,
  );
  const both = [await counted(source), await counted(destination)];
  return {
    requests: both.reduce((sum, { requests }) => sum + requests.length, 0),
    bytes: both.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** One run more, with an eye on its temporary files. */
async function stagedIn(one: Case, tool: Tool, world: World): Promise<number> {
  await freshen(one, world);
  return await stagedBytes(commandIn(one, tool, world) as Command, join(world.work, "staging"));
}

async function firstConnections(tools: readonly Tool[], runs: number): Promise<readonly Result[]> {
  const samples = new Map<string, Sample[]>();
  const add = (name: string, sample: Sample) =>
    samples.set(name, [...(samples.get(name) ?? []), sample]);
  for (let run = 0; run < runs; run++) {
    for (const tool of tools) {
      const wallMs = await firstConnect(tool);
      add(tool.name, { wallMs, cpuMs: undefined, memoryMb: undefined });
    }
    add("node -e 0", await measured({ words: [process.execPath, "-e", "0"] }));
  }
  return [...samples].map(([tool, found]) => ({ case: "first connection", tool, samples: found }));
}

if (process.argv.includes("--help")) console.log(usage);
else await main(parseArguments(process.argv.slice(2), process.env));
