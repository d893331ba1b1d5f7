import type { Flag } from "../flags.ts";
import type { CommandSpec } from "./spec.ts";

const jsonFlag: Flag = { name: "json", type: "bool", usage: "write JSON", ours: true };

const verifySpec: CommandSpec = {
  name: "verify",
  short: "Follow the chain of hashes through an audit log",
  long: () =>
    "Follow the chain of hashes through an audit log: FILEs are those of one log, the one that is written and those that were\nput aside, in any order. The number and the hash of the last line are printed; that lines are missing at the end shows\nonly in comparison with those of an earlier run, which --head names.",
  use: "log verify [command options] FILE...",
  examples: [
    "log verify /var/lib/amphora/audit/audit.jsonl*",
    "log verify --head 1042:3f… audit.jsonl",
  ],
  flags: [
    {
      name: "head",
      type: "string",
      usage: "the log must have a line of this `NUMBER:HASH`",
      ours: true,
    },
    jsonFlag,
  ],
  ours: true,
  layout: "plain",
};

const text = (name: string, usage: string): Flag => ({ name, type: "string", usage, ours: true });

const showSpec: CommandSpec = {
  name: "show",
  short: "Show who pulled, pushed, signed or was refused what",
  use: "log show [command options] FILE...",
  examples: [
    "log show --type refused --since 2026-11-01 audit.jsonl",
    "log show --repository team/app --last 20 audit.jsonl*",
  ],
  flags: [
    text("type", "only events of this `TYPE`: pull, push, refused, signed, …"),
    text("user", "only those of this `USER`"),
    text("repository", "only those of this `REPOSITORY`"),
    text("digest", "only those of this `DIGEST`"),
    text("since", "only those at or after this `TIME` (2026-11-27 or 2026-11-27T07:00:00Z)"),
    text("until", "only those before this `TIME`"),
    { name: "last", short: "n", type: "uint", usage: "only the last `N`", ours: true },
    jsonFlag,
  ],
  ours: true,
  layout: "plain",
};

/** `amphora log` and the commands below it. */
export const logSpec: CommandSpec = {
  name: "log",
  short: "Read the audit log of a server",
  use: "log",
  flags: [],
  ours: true,
  layout: "indented",
  children: [showSpec, verifySpec],
};
