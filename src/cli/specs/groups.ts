import type { Flag } from "../flags.ts";

/** Which end of a copy a flag is about; "" where there is only one. */
export type Side = "" | "src-" | "dest-";

const AUTHFILE =
  "path of the registry credentials file. Default is ${" + "XDG_RUNTIME_DIR}/containers/auth.json";

/** `--authfile`, for both ends. */
export const sharedAuthFlag: Flag = { name: "authfile", type: "string", usage: AUTHFILE };

/** How one end's registry is reached: credentials and TLS. */
export function dockerFlags(side: Side, credsAlias?: string): readonly Flag[] {
  const creds = "Use `USERNAME[:PASSWORD]` for accessing the registry";
  return [
    ...(side === "" ? [] : [{ name: `${side}authfile`, type: "string", usage: AUTHFILE } as const]),
    { name: `${side}creds`, type: "optional-string", usage: creds },
    ...(credsAlias === undefined
      ? []
      : [
          {
            name: credsAlias,
            type: "optional-string",
            usage: creds,
            hidden: true,
            alias: `${side}creds`,
          } as const,
        ]),
    {
      name: `${side}username`,
      type: "optional-string",
      usage: "Username for accessing the registry",
    },
    {
      name: `${side}password`,
      type: "optional-string",
      usage: "Password for accessing the registry",
    },
    {
      name: `${side}registry-token`,
      type: "optional-string",
      usage: "Provide a Bearer token for accessing the registry",
    },
    {
      name: `${side}cert-dir`,
      type: "string",
      usage:
        "use certificates at `PATH` (*.crt, *.cert, *.key) to connect to the registry or daemon",
    },
    {
      name: `${side}tls-verify`,
      type: "optional-bool",
      usage:
        "require HTTPS and verify certificates when talking to the container registry or daemon",
    },
    { name: `${side}no-creds`, type: "bool", usage: "Access the registry anonymously" },
  ];
}

/** {@link dockerFlags}, and what only single images know of. */
export function imageFlags(side: Side, credsAlias?: string): readonly Flag[] {
  return [
    ...dockerFlags(side, credsAlias),
    {
      name: `${side}shared-blob-dir`,
      type: "string",
      usage: "`DIRECTORY` to use to share blobs across OCI repositories",
    },
    {
      name: `${side}daemon-host`,
      type: "string",
      usage: "use docker daemon host at `HOST` (docker-daemon: only)",
    },
  ];
}

/** Starting all over after a failure. */
export const retryFlags: readonly Flag[] = [
  { name: "retry-times", type: "int", usage: "the number of times to possibly retry" },
  {
    name: "retry-delay",
    type: "duration",
    usage: "Fixed delay between retries. If not set, retry uses an exponential backoff delay.",
  },
];

/** `--tls-verify` for both ends, which gave way to one for each. */
export const deprecatedTlsFlag: Flag = {
  name: "tls-verify",
  type: "optional-bool",
  usage: "require HTTPS and verify certificates when accessing the container registry",
  hidden: true,
};

/** What becomes of signatures, and who makes new ones. */
export const signingFlags: readonly Flag[] = [
  { name: "remove-signatures", type: "bool", usage: "Do not copy signatures from source" },
  {
    name: "sign-by",
    type: "string",
    usage: "Sign the image using a GPG key with the specified `FINGERPRINT`",
  },
  {
    name: "sign-by-key-file",
    type: "string",
    usage: "sign by the OpenPGP secret key in `FILE`, without GnuPG",
    ours: true,
  },
  {
    name: "sign-by-sigstore",
    type: "string",
    usage: "Sign the image using a sigstore parameter file at `PATH`",
  },
  {
    name: "sign-by-sigstore-private-key",
    type: "string",
    usage: "Sign the image using a sigstore private key at `PATH`",
  },
  {
    name: "sign-by-sq-fingerprint",
    type: "string",
    usage: "Sign the image using a Sequoia-PGP key with the specified `FINGERPRINT`",
  },
  {
    name: "sign-passphrase-file",
    type: "string",
    usage: "Read a passphrase for signing an image from `PATH`",
  },
];

/** The manifest type of a copy. */
export const formatFlag: Flag = {
  name: "format",
  short: "f",
  type: "optional-string",
  usage:
    "MANIFEST TYPE (oci, v2s1, or v2s2) to use in the destination (default is manifest type of source, with fallbacks)",
};
