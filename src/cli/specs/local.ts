import type { Flag } from "../flags.ts";
import { formatFlag, imageFlags, retryFlags, sharedAuthFlag, signingFlags } from "./groups.ts";
import type { CommandSpec } from "./spec.ts";

const storeFlags: readonly Flag[] = [
  { name: "root", type: "string", usage: "the store in `DIRECTORY` (its graphroot)", ours: true },
  {
    name: "runroot",
    type: "string",
    usage: "what the store keeps until a restart is in `DIRECTORY`",
    ours: true,
  },
  {
    name: "storage-driver",
    type: "string",
    usage: "how the store keeps layers: `DRIVER` is overlay or vfs",
    ours: true,
  },
  {
    name: "storage-opt",
    type: "strings",
    usage: "an option of the store's driver, `KEY=VALUE` (repeatable)",
    ours: true,
  },
];

const quietFlag: Flag = {
  name: "quiet",
  short: "q",
  type: "bool",
  usage: "do not tell how it goes",
  ours: true,
};
const progressFlags: readonly Flag[] = [
  quietFlag,
  {
    name: "progress",
    type: "string",
    usage: "how progress is shown: `STYLE` is auto, plain, json or none",
    ours: true,
  },
];

const noTruncFlag: Flag = {
  name: "no-trunc",
  type: "bool",
  usage: "print everything in full",
  ours: true,
};
const templateFlag: Flag = {
  name: "format",
  type: "string",
  usage: "print `FORMAT`: json, or a Go template",
  ours: true,
};

/** `amphora images`. */
export const imagesSpec: CommandSpec = {
  name: "images",
  short: "List the images in the local store",
  long: () =>
    "List the images in the store that podman, buildah and CRI-O have too: all, or those that IMAGE means.",
  use: "images [command options] [IMAGE]",
  examples: ["images", "images --format json", 'images --format "{{.ID}} {{.Repository}}"'],
  flags: [
    ...storeFlags,
    {
      name: "all",
      short: "a",
      type: "bool",
      usage: "show images too that are but steps to others",
      ours: true,
    },
    { name: "digests", type: "bool", usage: "show digests too", ours: true },
    {
      name: "filter",
      short: "f",
      type: "strings",
      usage:
        "only what answers `CONDITION`: before=IMAGE, since=IMAGE, until=TIME, containers=BOOL, dangling=BOOL, digest=DIGEST, id=ID, intermediate=BOOL, label=KEY[=VALUE], manifest=BOOL, readonly=BOOL or reference=PATTERN, or with != does not",
      ours: true,
    },
    templateFlag,
    noTruncFlag,
    { name: "noheading", short: "n", type: "bool", usage: "print no heading", ours: true },
    { name: "quiet", short: "q", type: "bool", usage: "print IDs only", ours: true },
    {
      name: "sort",
      type: "string",
      usage: "sort by `COLUMN`: created, id, repository, size or tag",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

/** `amphora history`. */
export const historySpec: CommandSpec = {
  name: "history",
  short: "Show the steps that made a local IMAGE",
  use: "history [command options] IMAGE",
  examples: ["history busybox"],
  flags: [
    ...storeFlags,
    templateFlag,
    noTruncFlag,
    { name: "quiet", short: "q", type: "bool", usage: "print IDs only", ours: true },
    {
      name: "human",
      short: "H",
      type: "optional-bool",
      usage: "print sizes and times for people (default true)",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

/** `amphora tag`. */
export const tagSpec: CommandSpec = {
  name: "tag",
  short: "Give a local IMAGE more names",
  use: "tag [command options] IMAGE NAME [NAME...]",
  examples: ["tag 4fcb0fb6f309 registry.example.com/app:1.4"],
  flags: storeFlags,
  ours: true,
  layout: "plain",
};

/** `amphora untag`. */
export const untagSpec: CommandSpec = {
  name: "untag",
  short: "Take names from a local IMAGE",
  long: () => "Take names from a local IMAGE: those given, or all. The image stays.",
  use: "untag [command options] IMAGE [NAME...]",
  examples: ["untag app:1.4"],
  flags: storeFlags,
  ours: true,
  layout: "plain",
};

/** `amphora rmi`. */
export const rmiSpec: CommandSpec = {
  name: "rmi",
  short: "Remove local images",
  long: () =>
    "Remove local images, and the layers that only they needed. Of an image with several names, only the name given goes.\nWhat a container stands on is not removed.",
  use: "rmi [command options] IMAGE [IMAGE...]",
  examples: ["rmi app:1.4"],
  flags: [
    ...storeFlags,
    { name: "all", short: "a", type: "bool", usage: "remove all images", ours: true },
    {
      name: "force",
      short: "f",
      type: "bool",
      usage: "remove an image that was given by its ID with all its names",
      ours: true,
    },
    {
      name: "ignore",
      short: "i",
      type: "bool",
      usage: "what is not there is no failure",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

const oneRegistry: readonly Flag[] = [sharedAuthFlag, ...imageFlags(""), ...retryFlags];

/** `amphora pull`. */
export const pullSpec: CommandSpec = {
  name: "pull",
  short: "Bring images to the local store",
  long: () =>
    "Bring images to the local store, if the trust policy admits them, and print their IDs. IMAGE is a name at a registry, by\nits short name too, or a name with its transport.",
  use: "pull [command options] IMAGE [IMAGE...]",
  examples: ["pull busybox", "pull oci-archive:app.tar"],
  flags: [
    ...storeFlags,
    ...oneRegistry,
    ...progressFlags,
    {
      name: "platform",
      type: "string",
      usage: "of a list, the image for `OS/ARCH[/VARIANT]`",
      ours: true,
    },
    {
      name: "remove-signatures",
      type: "bool",
      usage: "do not keep the signatures with the image",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

/** `amphora push`. */
export const pushSpec: CommandSpec = {
  name: "push",
  short: "Bring a local IMAGE to a registry",
  long: () =>
    "Bring a local IMAGE to where its name says, or to DESTINATION: a name at a registry, or a name with its transport.",
  use: "push [command options] IMAGE [DESTINATION]",
  examples: ["push registry.example.com/app:1.4", "push app docker://registry.example.com/app"],
  flags: [
    ...storeFlags,
    ...oneRegistry,
    ...progressFlags,
    ...signingFlags,
    formatFlag,
    {
      name: "sign-identity",
      type: "string",
      usage: "sign as `REFERENCE` instead of the destination's name",
      ours: true,
    },
    {
      name: "compression-format",
      type: "string",
      usage: "compress layers by `FORMAT`: gzip or zstd",
      ours: true,
    },
    { name: "compression-level", type: "int", usage: "compress by `LEVEL`", ours: true },
    {
      name: "force-compression",
      type: "bool",
      usage: "do not take over layers that are there in another compression",
      ours: true,
    },
    {
      name: "digestfile",
      type: "string",
      usage: "write the digest of what was pushed to `FILE`",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

/** `amphora save`. */
export const saveSpec: CommandSpec = {
  name: "save",
  short: "Write local images to an archive",
  long: () =>
    "Write a local IMAGE to an archive or a folder, or to standard output. More names are more tags of it; with\n--multi-image-archive they are more images of the archive.",
  use: "save [command options] IMAGE [IMAGE...]",
  examples: ["save -o app.tar app:1.4", "save app:1.4 | ssh host podman load"],
  flags: [
    ...storeFlags,
    ...progressFlags,
    {
      name: "format",
      type: "string",
      usage: "`FORMAT` is docker-archive (default), oci-archive, docker-dir or oci-dir",
      ours: true,
    },
    {
      name: "multi-image-archive",
      short: "m",
      type: "bool",
      usage: "every name is an image (docker-archive only)",
      ours: true,
    },
    {
      name: "output",
      short: "o",
      type: "string",
      usage: "write to `FILE` instead of standard output",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

/** `amphora load`. */
export const loadSpec: CommandSpec = {
  name: "load",
  short: "Bring the images of an archive to the local store",
  long: () =>
    "Bring the images of an archive or a folder to the local store, with their names, if the trust policy admits them. It may be\na docker-archive, an oci-archive, an OCI layout, or a folder of the dir: transport.",
  use: "load [command options]",
  examples: ["load -i app.tar", "podman save app:1.4 | amphora load"],
  flags: [
    ...storeFlags,
    ...progressFlags,
    {
      name: "format",
      type: "string",
      usage: "what comes through a pipe: `FORMAT` is docker-archive (default) or oci-archive",
      ours: true,
    },
    {
      name: "input",
      short: "i",
      type: "string",
      usage: "read `FILE` instead of standard input",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

/** `amphora unpack`. */
export const unpackSpec: CommandSpec = {
  name: "unpack",
  short: "Unpack an image's root filesystem into a folder",
  long: () =>
    "Unpack the root filesystem of IMAGE-NAME into DIRECTORY, if the trust policy admits the image. With --bundle DIRECTORY is\nan OCI runtime bundle, for runc or crun: the filesystem is in rootfs, read-only, beside config.json.",
  use: "unpack [command options] IMAGE-NAME DIRECTORY",
  examples: [
    "unpack docker://registry.example.com/app:1.4 rootfs",
    "unpack --bundle --unit app docker://registry.example.com/app:1.4 /var/lib/machines/app",
  ],
  flags: [
    ...oneRegistry,
    ...progressFlags,
    {
      name: "platform",
      type: "string",
      usage: "of a list, the image for `OS/ARCH[/VARIANT]`",
      ours: true,
    },
    { name: "bundle", type: "bool", usage: "make an OCI runtime bundle", ours: true },
    {
      name: "host-network",
      type: "bool",
      usage: "the bundle's container uses the network of the machine, instead of having none",
      ours: true,
    },
    {
      name: "unit",
      type: "string",
      usage: "also write a systemd unit, `NAME`.service, that runs the bundle",
      ours: true,
    },
    {
      name: "explain",
      type: "bool",
      usage: "where the trust policy refuses the image, print how the decision came about",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

/** The commands of local images. */
export const localCommands: readonly CommandSpec[] = [
  imagesSpec,
  historySpec,
  tagSpec,
  untagSpec,
  rmiSpec,
  pullSpec,
  pushSpec,
  saveSpec,
  loadSpec,
  unpackSpec,
];
