import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { parseArguments } from "./arguments.ts";
import { type ServeCase, serveCases } from "./serve-cases.ts";
import { type ServeRow, serveTable } from "./serve-report.ts";
import { ServeWorld } from "./serve-world.ts";
import { findProgram } from "./tools.ts";

const usage = `node bench/serve.ts [--quick] [--runs N] [--only TEXT] [--layout FOLDER] [--lag FILE] [--pulls N] [--tags N]
  [--layout FOLDER]  an OCI layout, its image tagged latest, to be pulled through; without one a made one of 96 MB
  [--lag FILE]       a forwarder, FILE LISTEN_PORT TARGET_PORT RTT_MS MBIT_PER_S, for what is far away; else our own
  [--prefix "WORDS"], [--peer "docker-registry=WORDS"]  as of bench/main.ts
`;

/** `node bench/serve.ts`: what `amphora serve` makes of its machine, beside docker-registry in the same run. */
async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      only: { type: "string", default: "" },
      layout: { type: "string" },
      lag: { type: "string" },
      pulls: { type: "string" },
      tags: { type: "string" },
      prefix: { type: "string" },
      peer: { type: "string", multiple: true },
    },
  });
  const shared = [
    ...(values.prefix === undefined ? [] : ["--prefix", values.prefix]),
    ...(values.peer ?? []).flatMap((peer) => ["--peer", peer]),
  ];
  const registry = await findProgram("docker-registry", parseArguments(shared, process.env));
  if (!registry) throw new Error("no docker-registry on PATH, nor behind --prefix");
  const { quick } = values;
  const request = {
    registry,
    quick,
    runs: Number(values.runs ?? (quick ? 2 : 5)),
    layout: values.layout,
    lag: values.lag,
    pulls: Number(values.pulls ?? (quick ? 400 : 2000)),
    tags: Number(values.tags ?? (quick ? 5000 : 50_000)),
  };
  console.log(`${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`);
  const rows: ServeRow[] = [];
  for (const [name, run] of Object.entries<ServeCase>(serveCases)) {
    if (!name.includes(values.only)) continue;
    await using world = await ServeWorld.make();
    const found = await run(world, request);
    console.log(`\n${name}\n${serveTable(found)}`);
    rows.push(...found);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error);
  process.exitCode = 1;
}
