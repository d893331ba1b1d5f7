import type { Flag } from "../flags.ts";
import {
  deprecatedTlsFlag,
  dockerFlags,
  formatFlag,
  retryFlags,
  sharedAuthFlag,
  signingFlags,
} from "./groups.ts";
import type { CommandSpec } from "./spec.ts";

/** What skopeo's sync cannot do. */
const ourFlags: readonly Flag[] = [
  {
    name: "parallel",
    type: "uint",
    usage: "copy up to `N` images at once (default 32)",
    ours: true,
  },
  {
    name: "platform",
    type: "strings",
    usage:
      "copy only the images of a list for `OS/ARCH[/VARIANT]`, and a list of those (repeatable)",
    ours: true,
  },
  {
    name: "if-absent",
    type: "bool",
    usage: "leave tags that the destination has, whatever they stand for",
    ours: true,
  },
  {
    name: "referrers",
    type: "string",
    usage: "bring along what refers to images: all, none, or artifact `TYPES` with commas between",
    ours: true,
  },
  {
    name: "digest-tags",
    type: "bool",
    usage: "bring along tags named after digests: sha256-….sig, .att and .sbom",
    ours: true,
  },
  {
    name: "prune",
    type: "bool",
    usage: "remove tags at the destination that the source does not give any more",
    ours: true,
  },
  { name: "no-prune", type: "bool", usage: "remove nothing, whatever the file says", ours: true },
  {
    name: "max-requests-per-second",
    type: "uint",
    usage: "ask every registry for no more than `N` requests a second",
    ours: true,
  },
  {
    name: "max-bytes-per-second",
    type: "string",
    usage: "exchange no more than `SIZE` a second with every registry: 50MB",
    ours: true,
  },
  {
    name: "report",
    type: "string",
    usage: "write how it went with each image to `FILE`, a JSON object a line",
    ours: true,
  },
  {
    name: "state",
    type: "string",
    usage:
      "remember in `FILE` what was changed on the way (platforms, compression, signing), so that the next run sees that there is nothing to do; a report goes on where a run was broken off",
    ours: true,
  },
  {
    name: "progress",
    type: "string",
    usage: "how progress is shown: `STYLE` is auto, plain, json or none",
    ours: true,
  },
];

const ourWords = `Without these two, FILE says what to mirror: a specification, which names its destinations itself, or the YAML of
skopeo's sync with a DESTINATION of docker://HOST/PATH or dir:FOLDER. What is there already is not copied again; what
failed is told of, and the rest is copied, unless the file says keep-going: false. The exit status is 1 where anything
failed, and 130 where the run was interrupted.`;

/** `skopeo sync`. */
export const syncSpec: CommandSpec = {
  name: "sync",
  short: "Synchronize one or more images from one location to another",
  long: (program) => `Copy all the images from a SOURCE to a DESTINATION.

Allowed SOURCE transports (specified with --src): docker, dir, yaml.
Allowed DESTINATION transports (specified with --dest): docker, dir.

${program === "skopeo" ? "See skopeo-sync(1) for details." : ourWords}
`,
  use: "sync [command options] --src TRANSPORT --dest TRANSPORT SOURCE DESTINATION",
  examples: ["sync --src docker --dest dir --scoped registry.example.com/busybox /media/usb"],
  besides: {
    use: "sync [command options] FILE [DESTINATION]",
    examples: ["sync mirror.yaml", "sync sync.yaml docker://registry.example.com/hub"],
  },
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
    ...ourFlags,
  ],
  layout: "plain",
};
