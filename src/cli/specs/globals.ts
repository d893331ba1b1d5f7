import type { Flag } from "../flags.ts";
import type { ProgramName } from "./spec.ts";

/** Flags that every command takes, before or after its name. */
export const globalFlags: readonly Flag[] = [
  { name: "command-timeout", type: "duration", usage: "timeout for the command execution" },
  { name: "debug", type: "bool", usage: "enable debug output" },
  { name: "insecure-policy", type: "bool", usage: "run the tool without any policy check" },
  {
    name: "override-arch",
    type: "string",
    usage: "use `ARCH` instead of the architecture of the machine for choosing images",
  },
  {
    name: "override-os",
    type: "string",
    usage: "use `OS` instead of the running OS for choosing images",
  },
  {
    name: "override-variant",
    type: "string",
    usage: "use `VARIANT` instead of the running architecture variant for choosing images",
  },
  { name: "policy", type: "string", usage: "Path to a trust policy file" },
  {
    name: "registries.d",
    type: "string",
    usage: "use registry configuration files in `DIR` (e.g. for container signature storage)",
  },
  {
    name: "registries-conf",
    type: "string",
    usage: "path to the registries.conf file",
    hidden: true,
  },
  { name: "tmpdir", type: "string", usage: "directory used to store temporary files" },
  { name: "user-agent-prefix", type: "string", usage: "prefix to add to the user agent string" },
  {
    name: "tls-verify",
    type: "optional-bool",
    usage: "Require HTTPS and verify certificates when accessing the registry",
    hidden: true,
  },
  {
    name: "log-format",
    type: "string",
    usage: "how messages are written: `FORMAT` is text or json",
    ours: true,
  },
  {
    name: "require-signed",
    type: "bool",
    usage: "refuse a policy that would accept unsigned images",
    ours: true,
  },
  {
    name: "tls-details",
    type: "string",
    usage: "read TLS versions, ciphers and groups from `FILE`",
    ours: true,
  },
];

/** Of the program itself, so only before a command's name. */
export function versionFlag(program: ProgramName): Flag {
  const usage = program === "skopeo" ? "Version for Skopeo" : "show the version";
  return { name: "version", short: "v", type: "bool", usage };
}

/** The flag that every command gets. */
export function helpFlag(command: string): Flag {
  return { name: "help", short: "h", type: "bool", usage: `help for ${command}` };
}
