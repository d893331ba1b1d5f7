import type { Flag } from "../flags.ts";
import {
  deprecatedTlsFlag,
  formatFlag,
  imageFlags,
  retryFlags,
  sharedAuthFlag,
  signingFlags,
} from "./groups.ts";
import type { CommandSpec } from "./spec.ts";
import { copyTransports } from "./transports.ts";

const choiceFlags: readonly Flag[] = [
  { name: "all", short: "a", type: "bool", usage: "Copy all images if SOURCE-IMAGE is a list" },
  {
    name: "multi-arch",
    type: "optional-string",
    usage: "How to handle multi-architecture images (system, all, or index-only)",
  },
  {
    name: "platform",
    type: "strings",
    usage:
      "copy only the images of a list for `OS/ARCH[/VARIANT]`, and a list of those (repeatable)",
    ours: true,
  },
];

const resultFlags: readonly Flag[] = [
  {
    name: "additional-tag",
    type: "strings",
    usage: "additional tags (supports docker-archive)",
  },
  formatFlag,
  { name: "preserve-digests", type: "bool", usage: "Preserve digests of images and lists" },
  {
    name: "digestfile",
    type: "string",
    usage: "Write the digest of the pushed image to the specified file",
  },
  {
    name: "sign-identity",
    type: "string",
    usage:
      "Identity of signed image, must be a fully specified docker reference. Defaults to the target docker reference.",
  },
];

const encryptionFlags: readonly Flag[] = [
  {
    name: "encryption-key",
    type: "strings",
    usage:
      "*Experimental* key with the encryption protocol to use needed to encrypt the image (e.g. jwe:/path/to/key.pem)",
  },
  {
    name: "encrypt-layer",
    type: "ints",
    usage:
      "*Experimental* the 0-indexed layer indices, with support for negative indexing (e.g. 0 is the first layer, -1 is the last layer)",
  },
  {
    name: "decryption-key",
    type: "strings",
    usage: "*Experimental* key needed to decrypt the image",
  },
];

const destinationFlags: readonly Flag[] = [
  {
    name: "dest-compress",
    type: "bool",
    usage:
      "Compress tarball image layers when saving to directory using the 'dir' transport. (default is same compression type as source)",
  },
  {
    name: "dest-decompress",
    type: "bool",
    usage:
      "Decompress tarball image layers when saving to directory using the 'dir' transport. (default is same compression type as source)",
  },
  {
    name: "dest-oci-accept-uncompressed-layers",
    type: "bool",
    usage:
      "Allow uncompressed image layers when saving to an OCI image using the 'oci' transport. (default is to compress things that aren't compressed)",
  },
  {
    name: "dest-compress-format",
    type: "string",
    usage: "`FORMAT` to use for the compression",
  },
  { name: "dest-compress-level", type: "int", usage: "`LEVEL` to use for the compression" },
  {
    name: "dest-force-compress-format",
    type: "bool",
    usage: "Force exclusive use of the compression algorithm set in --dest-compress-format",
  },
  {
    name: "dest-precompute-digests",
    type: "bool",
    usage:
      "Precompute digests to prevent uploading layers already on the registry using the 'docker' transport.",
  },
];

const runFlags: readonly Flag[] = [
  {
    name: "quiet",
    short: "q",
    type: "bool",
    usage: "Suppress output information when copying images",
  },
  {
    name: "image-parallel-copies",
    type: "uint",
    usage:
      "Maximum number of image layers to be copied (pulled/pushed) simultaneously. Not setting this field will fall back to containers/image defaults.",
  },
  {
    name: "progress",
    type: "string",
    usage: "how progress is shown: `STYLE` is auto, plain, json or none",
    ours: true,
  },
  {
    name: "explain",
    type: "bool",
    usage: "where the trust policy refuses the image, print how the decision came about",
    ours: true,
  },
  {
    name: "dry-run",
    type: "bool",
    usage: "print what would be copied, and copy nothing",
    ours: true,
  },
];

/** `skopeo copy`. */
export const copySpec: CommandSpec = {
  name: "copy",
  short: "Copy an IMAGE-NAME from one location to another",
  long: copyTransports,
  use: "copy [command options] SOURCE-IMAGE DESTINATION-IMAGE",
  examples: [
    "copy docker://quay.io/skopeo/stable:latest docker://registry.example.com/skopeo:latest",
  ],
  flags: [
    sharedAuthFlag,
    deprecatedTlsFlag,
    ...imageFlags("src-", "screds"),
    ...imageFlags("dest-", "dcreds"),
    ...retryFlags,
    ...signingFlags,
    ...choiceFlags,
    ...resultFlags,
    ...encryptionFlags,
    ...destinationFlags,
    ...runFlags,
  ],
  layout: "plain",
};
