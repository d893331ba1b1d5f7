import { cpus } from "node:os";
import { createGate, type Gate } from "../policy/gate.ts";
import { parsePolicy } from "../policy/parse.ts";
import { createVerifiers } from "../sigstore/create-verifiers.ts";
import { median } from "./report.ts";
import { type SignedKind, signedKinds } from "./signed-kinds.ts";

/** What one signature may cost a warm process, by the wish of the project: milliseconds. */
const goalMs = 5;
const warmUps = 20;
const runs = 200;

/**
 * What it costs a warm process to admit an image by one signature: `node bench/signatures.ts [TEXT]` measures the kinds
 * whose names contain TEXT. Everything but the fetching is in it: the requirement, the parsing, the cryptography, the claim.
 */
async function main(only: string): Promise<void> {
  console.log(`${cpus().length} cores, ${runs} runs each after ${warmUps}; goal: ${goalMs} ms`);
  console.log(["", "median ms", "p95 ms", "cpu ms", "first ms"].map(cell).join(""));
  for await (const kind of signedKinds()) {
    if (kind.name.includes(only)) console.log(await row(kind));
  }
}

async function row(kind: SignedKind): Promise<string> {
  const gate = gateOf(kind);
  const first = await timed(gate, kind);
  for (let run = 0; run < warmUps; run++) await timed(gate, kind);
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let run = 0; run < runs; run++) times.push(await timed(gate, kind));
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const p95 = times[Math.floor(runs * 0.95)];
  const texts = [median(times), p95, (user + system) / 1000 / runs, first].map((ms) =>
    ms?.toFixed(2),
  );
  return [kind.name, ...texts].map(cell).join("");
}

function gateOf({ requirement, files, now }: SignedKind): Gate {
  const policy = new TextEncoder().encode(JSON.stringify({ default: [requirement] }));
  return createGate(parsePolicy(policy, "policy"), {
    requireSigned: true,
    verifiers: createVerifiers({ now: () => now }),
    readKeyFile: async (path) => {
      const bytes = files[path];
      if (!bytes) throw new Error(`no file ${path}`);
      return bytes;
    },
  });
}

/** @throws {PolicyError} where the signature is refused: then nothing was measured */
async function timed(gate: Gate, { subject }: SignedKind): Promise<number> {
  const start = performance.now();
  await gate.admit(subject);
  return performance.now() - start;
}

function cell(text: string | undefined, column: number): string {
  return column === 0 ? (text ?? "").padEnd(28) : (text ?? "").padStart(10);
}

await main(process.argv[2] ?? "");
