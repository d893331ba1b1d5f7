import { signerKeys } from "../test/support/server/signer.ts";
import { hostedImage, layerPath, pushImage } from "./serve-content.ts";
import { pullCase } from "./serve-pull.ts";
import type { ServeRow } from "./serve-report.ts";
import { tagsCase } from "./serve-tags.ts";
import { type Answering, type Load, load, memoryMb, type ServeWorld } from "./serve-world.ts";

/** What a run of the benchmark was told. */
export interface ServeRequest {
  /** Words that start docker-registry. */
  readonly registry: readonly string[];
  readonly quick: boolean;
  readonly runs: number;
  readonly layout: string | undefined;
  readonly lag: string | undefined;
  readonly pulls: number;
  readonly tags: number;
}

/** Measures one thing. */
export type ServeCase = (world: ServeWorld, request: ServeRequest) => Promise<ServeRow[]>;

/** Neither server writes down requests, but where it is said. */
export const quiet = "log: {requests: false}\n";

async function manifests(world: ServeWorld, request: ServeRequest): Promise<ServeRow[]> {
  const { registry, runs, quick } = request;
  const ours = await world.amphora(quiet);
  const asShipped = await world.amphora("");
  const theirs = await world.dockerRegistry(registry);
  for (const { port } of [ours, asShipped, theirs]) await pushImage(port, "bench/small", [2000]);
  const path = "/v2/bench/small/manifests/latest";
  const requests = quick ? 2000 : 8000;
  const rows: ServeRow[] = [];
  for (const connections of [16, 50]) {
    const ask = (server: Answering, part = 1) =>
      load(server, path, connections, Math.ceil(requests * part));
    for (const each of [ours, asShipped, theirs]) await ask(each, 0.25);
    const samples = await inTurns(runs, {
      ours: () => ask(ours),
      logged: () => ask(asShipped),
      theirs: () => ask(theirs, 0.25),
    });
    rows.push(
      rateRow(`manifest GET, ${connections} connections`, samples.ours, samples.theirs, 5),
      rateRow(`… with our log of requests`, samples.logged, samples.theirs),
    );
  }
  return rows;
}

function rateRow(
  name: string,
  ours: readonly Load[],
  theirs: readonly Load[],
  atLeast?: number,
): ServeRow {
  const rate = ({ answered, wallMs }: Load) => (answered * 1000) / wallMs;
  const cpu = ({ cpuMs, answered }: Load) => (cpuMs * 1000) / answered;
  return {
    name: `${name}; cpu per 1000`,
    unit: "requests/s",
    ours: ours.map(rate),
    theirs: theirs.map(rate),
    ourCpu: ours.map(cpu),
    theirCpu: theirs.map(cpu),
    ...(atLeast !== undefined && { goal: { of: "ratio", atLeast } }),
  };
}

async function blobs(world: ServeWorld, request: ServeRequest): Promise<ServeRow[]> {
  const ours = await world.amphora(quiet);
  const theirs = await world.dockerRegistry(request.registry);
  const rows: ServeRow[] = [];
  for (const [megabytes, atLeast] of [
    [3, 0.8],
    [32, 0.6],
  ] as const) {
    const repository = `bench/of-${megabytes}`;
    const image = hostedImage([megabytes * 1_000_000]);
    for (const { port } of [ours, theirs]) await pushImage(port, repository, image);
    const path = layerPath(repository, image);
    const requests = Math.ceil((request.quick ? 300 : 1500) / megabytes);
    for (const connections of [1, 8]) {
      for (const each of [ours, theirs]) await load(each, path, connections, connections);
      const samples = await inTurns(request.runs, {
        ours: () => load(ours, path, connections, requests),
        theirs: () => load(theirs, path, connections, requests),
      });
      const speed = ({ bytes, wallMs }: Load) => bytes / 1e3 / wallMs;
      const cpu = ({ bytes, cpuMs }: Load) => cpuMs / (bytes / 1e9);
      rows.push({
        name: `blob GET of ${megabytes} MB, ${connections} connections; cpu per GB`,
        unit: "MB/s",
        ours: samples.ours.map(speed),
        theirs: samples.theirs.map(speed),
        ourCpu: samples.ours.map(cpu),
        theirCpu: samples.theirs.map(cpu),
        goal: { of: "ratio", atLeast },
      });
    }
  }
  return rows;
}

/** What a decision at hand adds to a manifest's GET, in processor time of the server, which is its time on one core. */
async function admission(world: ServeWorld, request: ServeRequest): Promise<ServeRow[]> {
  await using keys = await signerKeys();
  const signing = `
signing:
  keys: {release: {type: key-file, file: ${keys.keys.release.file}}}
  rules: [{repositories: ["**"], keys: [release]}]
`;
  const policies = {
    accept: [{ type: "insecureAcceptAnything" }],
    signedBy: [{ type: "signedBy", keyType: "GPGKeys", keyPath: keys.folder.in("release.pub") }],
  };
  const off = await world.amphora(quiet);
  await pushImage(off.port, "bench/small", [2000]);
  const judged = await Promise.all(
    Object.entries(policies).map(async ([name, requirements]) => {
      const server = await world.amphora(`${quiet}admission: {policy: policy.json}\n${signing}`, {
        files: { "policy.json": JSON.stringify({ default: requirements }) },
      });
      await pushImage(server.port, "bench/small", [2000]);
      return { name, server };
    }),
  );
  const requests = request.quick ? 2000 : 8000;
  const rows: ServeRow[] = [];
  for (const { name, server } of judged) {
    const ask = (at: Answering) => load(at, "/v2/bench/small/manifests/latest", 16, requests);
    for (const each of [off, server]) await ask(each);
    const samples = await inTurns(request.runs, { off: () => ask(off), on: () => ask(server) });
    const cost = ({ cpuMs, answered }: Load) => cpuMs / answered;
    rows.push({
      name: `manifest GET judged, ${name} (other: not judged)`,
      unit: "cpu ms",
      ours: samples.on.map(cost),
      theirs: samples.off.map(cost),
    });
    rows.push({
      name: `… what a decision at hand adds, ${name}`,
      unit: "ms",
      ours: samples.on.map((each, at) => cost(each) - cost(samples.off[at] ?? each)),
      goal: { of: "figure", atMost: 1 },
    });
  }
  return rows;
}

async function memory(world: ServeWorld, request: ServeRequest): Promise<ServeRow[]> {
  const server = await world.amphora(quiet);
  const idle = memoryMb(server.pid).now;
  const image = hostedImage([32_000_000]);
  await pushImage(server.port, "bench/big", image);
  await pushImage(server.port, "bench/small", [2000, 30_000, 300_000]);
  const path = layerPath("bench/big", image);
  await load(server, path, 50, request.quick ? 100 : 200);
  const busy = memoryMb(server.pid).peak;
  const through = await fiftyThrough(world, request);
  const after: number[] = [];
  const quarter = Math.ceil(request.pulls / 4);
  const small = hostedImage([2000, 30_000, 300_000]);
  for (let n = 0; n < 4; n++) {
    await load(server, "/v2/bench/small/manifests/latest", 8, quarter);
    for (const layer of small.layers) {
      await load(server, `/v2/bench/small/blobs/${layer.digest}`, 8, quarter);
    }
    after.push(memoryMb(server.pid).now);
  }
  const figure = (name: string, value: number, atMost?: number): ServeRow => ({
    name,
    unit: "MB resident",
    ours: [value],
    ...(atMost !== undefined && { goal: { of: "figure", atMost } }),
  });
  return [
    figure("idle", idle, 110),
    figure("50 parallel pulls of 32 MB, at most", busy, 250),
    figure("50 parallel pulls through of 4 MB, none held, at most", through, 250),
    ...after.map((value, at) => figure(`after ${(at + 1) * quarter} pulls more`, value)),
  ];
}

/** What a server takes at most to which 50 come at once for 50 blobs that it has to fetch. */
async function fiftyThrough(world: ServeWorld, { registry }: ServeRequest): Promise<number> {
  const upstream = await world.dockerRegistry(registry);
  const image = hostedImage(Array.from({ length: 50 }, () => 4_000_000));
  await pushImage(upstream.port, "bench/many", image);
  const url = `http://127.0.0.1:${upstream.port}`;
  const server = await world.amphora(
    `${quiet}upstreams: [{name: up.example, alias: up, url: "${url}"}]\n`,
  );
  const paths = image.layers.map(({ digest }) => `/v2/up/bench/many/blobs/${digest}`);
  await load(server, paths.join(","), 50, 50);
  return memoryMb(server.pid).peak;
}

/** Each of the measures once, then all again: what else the machine does is shared out. */
export async function inTurns<Name extends string>(
  runs: number,
  measures: Readonly<Record<Name, () => Promise<Load>>>,
): Promise<Record<Name, Load[]>> {
  const names = Object.keys(measures) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Load[]]));
  for (let run = 0; run < runs; run++) {
    for (const name of names) samples[name]?.push(await measures[name]());
  }
  return samples as Record<Name, Load[]>;
}

/** All that is measured, by name. */
export const serveCases: Readonly<Record<string, ServeCase>> = {
  manifests,
  blobs,
  admission,
  memory,
  tags: tagsCase,
  "pull-through": pullCase,
};
