import type { CommandSpec } from "./spec.ts";

/** `skopeo manifest-digest`. */
export const manifestDigestSpec: CommandSpec = {
  name: "manifest-digest",
  short: "Compute a manifest digest of a file",
  use: "manifest-digest MANIFEST-FILE",
  examples: ["manifest-digest manifest.json"],
  flags: [],
  layout: "plain",
};

/** `skopeo standalone-sign`. */
export const standaloneSignSpec: CommandSpec = {
  name: "standalone-sign",
  short: "Create a signature using local files",
  use: "standalone-sign [command options] MANIFEST DOCKER-REFERENCE KEY-FINGERPRINT --output|-o SIGNATURE",
  flags: [
    {
      name: "output",
      short: "o",
      type: "string",
      usage: "output the signature to `SIGNATURE`",
    },
    {
      name: "passphrase-file",
      type: "string",
      usage: "file that contains a passphrase for the --sign-by key",
    },
  ],
  layout: "plain",
};

/** `skopeo standalone-verify`. */
export const standaloneVerifySpec: CommandSpec = {
  name: "standalone-verify",
  short: "Verify a signature using local files",
  long: () => `Verify a signature using local files

KEY-FINGERPRINTS can be a comma separated list of fingerprints, or "any" if you trust all the keys in the public key file.`,
  use: "standalone-verify MANIFEST DOCKER-REFERENCE KEY-FINGERPRINTS SIGNATURE",
  flags: [
    {
      name: "public-key-file",
      type: "string",
      usage: "File containing public keys. If not specified, will use local GPG keys.",
    },
  ],
  layout: "plain",
};

/** `skopeo untrusted-signature-dump-without-verification`, hidden. */
export const signatureDumpSpec: CommandSpec = {
  name: "untrusted-signature-dump-without-verification",
  short: "Dump contents of a signature WITHOUT VERIFYING IT",
  use: "untrusted-signature-dump-without-verification SIGNATURE",
  flags: [],
  hidden: true,
  layout: "plain",
};

/** `skopeo generate-sigstore-key`. */
export const generateKeySpec: CommandSpec = {
  name: "generate-sigstore-key",
  short: "Generate a sigstore public/private key pair",
  use: "generate-sigstore-key [command options] --output-prefix PREFIX",
  examples: ["generate-sigstore-key --output-prefix my-key"],
  flags: [
    {
      name: "output-prefix",
      type: "string",
      usage: "Write the keys to `PREFIX`.pub and `PREFIX`.private",
    },
    {
      name: "passphrase-file",
      type: "string",
      usage: "Read a passphrase for the private key from `PATH`",
    },
  ],
  layout: "plain",
};
