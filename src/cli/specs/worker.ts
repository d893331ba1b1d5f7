import type { CommandSpec } from "./spec.ts";

/** `amphora worker`. */
export const workerSpec: CommandSpec = {
  name: "worker",
  short: "Do the jobs of a server: copies, mirrors, signatures and verdicts",
  long: () =>
    "Do the jobs of a server: copies, mirrors, signatures and verdicts.\n\nIt reads the same configuration as `serve`, and takes jobs from the queue that the section `jobs` names. `serve` starts\nworkers of its own by default; with the queue in Redis more of them can work on other machines.\nSIGTERM ends it: what it does then goes back to the queue. After SIGHUP it takes no more until its jobs have ended, and goes on\nby the configuration as it is then.",
  use: "worker [command options]",
  examples: [
    "worker --config /etc/amphora/serve.yaml",
    "worker --config serve.yaml --slots 8 --name w2",
  ],
  flags: [
    {
      name: "config",
      short: "c",
      type: "string",
      usage: "read the configuration from `FILE` (YAML)",
      ours: true,
    },
    {
      name: "data",
      short: "d",
      type: "string",
      usage: "the server keeps everything in `DIR`",
      ours: true,
    },
    { name: "name", type: "string", usage: "be called `NAME` in the log", ours: true },
    { name: "server-url", type: "string", usage: "reach the server at `URL`", ours: true },
    {
      name: "slots",
      type: "int",
      usage: "do `N` jobs at once, whatever the configuration says",
      ours: true,
    },
    {
      name: "until-stdin-ends",
      type: "bool",
      usage: "end when standard input does",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};
