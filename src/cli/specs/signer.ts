import type { CommandSpec } from "./spec.ts";

/** `amphora signer`. */
export const signerSpec: CommandSpec = {
  name: "signer",
  short: "Hold the keys of a server, and sign what its rules let be signed",
  long: () =>
    "Hold the keys of a server, and sign what its rules let be signed.\n\nIt reads the same configuration as `serve`, listens on a unix socket alone, and decides for itself: by the section\n`signing`, by the digests of the manifests that it is sent, and by the policy where a rule wants that. `serve` starts\none by default; run it as another user, and name its socket under signing.signer.socket, to keep the keys from the server.",
  use: "signer [command options]",
  examples: ["signer --config /etc/amphora/serve.yaml --socket /run/amphora-signer/socket"],
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
    { name: "socket", type: "string", usage: "listen on the unix socket `PATH`", ours: true },
    {
      name: "log",
      type: "string",
      usage: "write down in `FILE` what was signed, chained as the audit log is",
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
