import type { Flag } from "../flags.ts";
import { dockerFlags, imageFlags, retryFlags, sharedAuthFlag } from "./groups.ts";
import type { CommandSpec } from "./spec.ts";
import { deleteTransports, inspectTransports, listTagsTransports } from "./transports.ts";

const oneImage: readonly Flag[] = [sharedAuthFlag, ...imageFlags("")];

/** `skopeo inspect`. */
export const inspectSpec: CommandSpec = {
  name: "inspect",
  short: "Inspect image IMAGE-NAME",
  long: inspectTransports,
  use: "inspect [command options] IMAGE-NAME",
  examples: [
    "inspect docker://registry.fedoraproject.org/fedora",
    "inspect --config docker://docker.io/alpine",
    'inspect --format "Name: {{.Name}} Digest: {{.Digest}}" docker://registry.access.redhat.com/ubi8',
  ],
  flags: [
    ...oneImage,
    ...retryFlags,
    { name: "raw", type: "bool", usage: "output raw manifest or configuration" },
    { name: "config", type: "bool", usage: "output configuration" },
    {
      name: "format",
      short: "f",
      type: "string",
      usage: "Format the output to a Go template",
    },
    {
      name: "no-tags",
      short: "n",
      type: "bool",
      usage: "Do not list the available tags from the repository in the output",
    },
    {
      name: "manifest-digest",
      type: "string",
      usage: "give the manifest's digest by `ALGORITHM` (sha256, sha384 or sha512)",
      ours: true,
    },
  ],
  layout: "plain",
};

/** `skopeo list-tags`. */
export const listTagsSpec: CommandSpec = {
  name: "list-tags",
  short: "List tags in the transport/repository specified by the SOURCE-IMAGE",
  long: listTagsTransports,
  use: "list-tags [command options] SOURCE-IMAGE",
  examples: ["list-tags docker://docker.io/fedora"],
  flags: [sharedAuthFlag, ...dockerFlags(""), ...retryFlags],
  layout: "plain",
};

/** `skopeo delete`. */
export const deleteSpec: CommandSpec = {
  name: "delete",
  short: "Delete image IMAGE-NAME",
  long: deleteTransports,
  use: "delete [command options] IMAGE-NAME",
  examples: ["delete docker://registry.example.com/example/pause:latest"],
  flags: [
    ...oneImage,
    ...retryFlags,
    {
      name: "tag-only",
      type: "bool",
      usage: "remove the tag, and leave the image and its other tags",
      ours: true,
    },
  ],
  layout: "plain",
};

/** `skopeo layers`, hidden. */
export const layersSpec: CommandSpec = {
  name: "layers",
  short: "Get layers of IMAGE-NAME",
  use: "layers [command options] IMAGE-NAME [LAYER...]",
  flags: [...oneImage, ...retryFlags],
  hidden: true,
  layout: "plain",
};

/** `skopeo experimental-image-proxy`, hidden. */
export const imageProxySpec: CommandSpec = {
  name: "experimental-image-proxy",
  short: "Interactive proxy for fetching container images (EXPERIMENTAL)",
  long: () => "Run skopeo as a proxy, supporting HTTP requests to fetch manifests and blobs.",
  use: "experimental-image-proxy [command options] IMAGE",
  examples: ["experimental-image-proxy --sockfd 3"],
  flags: [
    ...oneImage,
    { name: "sockfd", type: "int", usage: "Serve on opened socket pair (default 0/stdin)" },
  ],
  hidden: true,
  layout: "plain",
};

/** `amphora info`. */
export const infoSpec: CommandSpec = {
  name: "info",
  short: "Show which configuration is in force, and for IMAGE-NAME what it leads to",
  long: () =>
    "List the configuration files that are read or passed over. For IMAGE-NAME show the endpoints in order, where\ncredentials come from, certificates, proxy and trust policy. Secrets are never shown.",
  use: "info [command options] [IMAGE-NAME]",
  examples: ["info docker://docker.io/fedora"],
  flags: oneImage,
  ours: true,
  layout: "plain",
};
