import {
  deprecatedTlsFlag,
  dockerFlags,
  formatFlag,
  retryFlags,
  sharedAuthFlag,
  signingFlags,
} from "./groups.ts";
import type { CommandSpec } from "./spec.ts";

/** `skopeo sync`. */
export const syncSpec: CommandSpec = {
  name: "sync",
  short: "Synchronize one or more images from one location to another",
  long: (program) => `Copy all the images from a SOURCE to a DESTINATION.

Allowed SOURCE transports (specified with --src): docker, dir, yaml.
Allowed DESTINATION transports (specified with --dest): docker, dir.

${program === "skopeo" ? "See skopeo-sync(1) for details." : "Not supported yet."}
`,
  use: "sync [command options] --src TRANSPORT --dest TRANSPORT SOURCE DESTINATION",
  examples: ["sync --src docker --dest dir --scoped registry.example.com/busybox /media/usb"],
  flags: [
    sharedAuthFlag,
    deprecatedTlsFlag,
    ...dockerFlags("src-", "screds"),
    ...dockerFlags("dest-", "dcreds"),
    ...retryFlags,
    ...signingFlags,
    formatFlag,
    { name: "src", short: "s", type: "string", usage: "SOURCE transport type" },
    { name: "dest", short: "d", type: "string", usage: "DESTINATION transport type" },
    {
      name: "scoped",
      type: "bool",
      usage: "Images at DESTINATION are prefix using the full source image path as scope",
    },
    { name: "append-suffix", type: "string", usage: "String to append to DESTINATION tags" },
    {
      name: "digestfile",
      type: "string",
      usage:
        "Write the digests and Image References of the resulting images to the specified file, separated by newlines",
    },
    { name: "all", short: "a", type: "bool", usage: "Copy all images if SOURCE-IMAGE is a list" },
    { name: "dry-run", type: "bool", usage: "Run without actually copying data" },
    { name: "preserve-digests", type: "bool", usage: "Preserve digests of images and lists" },
    {
      name: "keep-going",
      type: "bool",
      usage: "Do not abort the sync if any image copy fails",
    },
  ],
  layout: "plain",
};
