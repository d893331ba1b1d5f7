#!/usr/bin/env node
import { writeSync } from "node:fs";

const version = "0.1.0";
const calledAs = process.env["AMPHORA_CALLED_AS"] ?? process.argv[1] ?? "";
delete process.env["AMPHORA_CALLED_AS"]; // not for the programs that we start
const program = /(?:^|[\\/])skopeo(?:\.exe)?$/.test(calledAs) ? "skopeo" : "amphora";
const argv = process.argv.slice(2);

// Files of many layers are written at once, and flushing one must not keep the others waiting.
process.env["UV_THREADPOOL_SIZE"] ??= "16";

// Asked for by every script that looks for the tool: nothing is loaded for it.
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) {
  try {
    writeSync(1, `${program} version ${program === "skopeo" ? "1.22.0" : version}\n`);
  } catch {
    void start(); // which tells why it cannot be said, or ends as others do whose reader went away
  }
} else {
  void start();
}

async function start(): Promise<void> {
  const { runProgram } = await import("./cli/program.ts");
  process.exitCode = await runProgram({ program, version, argv });
}
