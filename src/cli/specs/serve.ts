import type { Flag } from "../flags.ts";
import type { CommandSpec } from "./spec.ts";

const configFlag: Flag = {
  name: "config",
  short: "c",
  type: "string",
  usage: "read the configuration from `FILE` (YAML)",
  ours: true,
};

const listenFlag: Flag = {
  name: "listen",
  short: "l",
  type: "strings",
  usage: "listen on `ADDRESS`: HOST:PORT or unix:PATH; may be given several times",
  ours: true,
};

const dataFlag: Flag = {
  name: "data",
  short: "d",
  type: "string",
  usage: "keep everything in `DIR`",
  ours: true,
};

const checkFlag: Flag = {
  name: "check-config",
  type: "bool",
  usage: "say what is wrong with the configuration, and start nothing",
  ours: true,
};

/** `amphora serve`. */
export const serveSpec: CommandSpec = {
  name: "serve",
  short: "Serve a registry that verifies what is pulled and signs what is pushed",
  long: () =>
    "Serve a registry that verifies what is pulled and signs what is pushed.\n\nWithout a configuration it is a registry for this machine, on 127.0.0.1:5000, that keeps everything in ./amphora-data.\nEvery value of the configuration can be set by the environment: cache.max-bytes is AMPHORA_SERVE_CACHE_MAX_BYTES.\nSIGHUP reads users, rules, certificates, policies, mirrors and schedules again; SIGTERM ends it when the running transfers have ended.",
  use: "serve [command options]",
  examples: [
    "serve",
    "serve --config /etc/amphora/serve.yaml",
    "serve --listen 0.0.0.0:5000 --listen unix:/run/amphora.sock",
    "serve --check-config --config serve.yaml",
  ],
  flags: [
    checkFlag,
    configFlag,
    dataFlag,
    listenFlag,
    {
      name: "only",
      type: "string",
      usage: "serve one `FACE` alone: registry, signatures, jobs or page",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

/** `amphora lookaside`. */
export const lookasideSpec: CommandSpec = {
  name: "lookaside",
  short: "Serve signatures alone, as a look-aside tree and through the registry's API",
  long: () =>
    "Serve signatures alone, as a look-aside tree and through the registry's API for signatures: as `serve --only signatures`.",
  use: "lookaside [command options]",
  examples: ["lookaside --data /var/lib/amphora", "lookaside --listen 0.0.0.0:8080"],
  flags: [checkFlag, configFlag, dataFlag, listenFlag],
  ours: true,
  layout: "plain",
};
