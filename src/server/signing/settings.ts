import * as z from "zod";
import { filePath } from "../../config/setting-values.ts";
import { repositoryPatterns } from "../pattern-values.ts";
import { fillIdentity } from "./identity.ts";

const keyName = z
  .string({ error: "expected the name of a key under signing.keys" })
  .min(1, { error: "expected the name of a key under signing.keys" });

const identity = z
  .string({ error: "expected a name such as {domain}/{path}" })
  .refine(
    (text) => fillIdentity(text, { domain: "a.example", path: "b", tag: "c" }) !== undefined,
    {
      error: "expected a name without a tag, such as {domain}/{path} or registry.example/{path}",
    },
  );

const key = z.discriminatedUnion(
  "type",
  [
    z.strictObject({
      /** Of a GnuPG home: the signer's own agent keeps it. */
      type: z.literal("gpg"),
      key: z
        .string({ error: "expected a fingerprint" })
        .min(1, { error: "expected a fingerprint" }),
      home: filePath().optional(),
      passphraseFile: filePath().optional(),
    }),
    z.strictObject({
      /** An OpenPGP secret key, as `gpg --export-secret-keys` writes it. */
      type: z.literal("key-file"),
      file: filePath(),
      passphraseFile: filePath().optional(),
    }),
    z.strictObject({
      /** As `cosign generate-key-pair` or `amphora generate-sigstore-key` writes it. */
      type: z.literal("cosign"),
      file: filePath(),
      passphraseFile: filePath().optional(),
    }),
  ],
  { error: "expected type: gpg, key-file or cosign" },
);

const rule = z.strictObject({
  repositories: repositoryPatterns(),
  /** Whose pushes are signed; everybody's who may push, without it. */
  users: z.array(z.string({ error: "expected a user's name" })).optional(),
  /** Whether the server's word on who the user is suffices, or the signer checks a password itself. */
  proof: z.enum(["endpoint", "password"]).default("endpoint"),
  keys: z.array(keyName).min(1, { error: "expected at least one key" }),
  /** Under which name, without its tag. */
  identity: identity.default("{domain}/{path}"),
  /** `verified`: only what the policy admits already, by a signature that it checks. */
  require: z.enum(["verified"]).optional(),
});

const bridge = z.strictObject({
  repositories: repositoryPatterns(),
  keys: z.array(keyName).min(1, { error: "expected at least one key" }),
  identity: identity.default("{domain}/{path}"),
});

/** Section `signing`. Without it nothing is signed here. */
export const signingSettings = z
  .strictObject({
    keys: z.record(z.string(), key).default({}),
    rules: z.array(rule).default([]),
    /** What verifies by the policy is signed again by keys of ours, for clients that know no other kind. */
    bridge: z.array(bridge).default([]),
    /** What `require: verified` and the bridge judge by; by default the policy of `admission`. */
    policy: filePath().optional(),
    /** The overlay of that policy: bundles are judged by it. */
    overlay: filePath().optional(),
    signer: z
      .strictObject({
        /** Of a signer that was started by others; without it `serve` starts one. */
        socket: filePath().optional(),
        /** Who it runs as where the server, as root, starts it. */
        uid: z
          .int({ error: "expected a number" })
          .min(1, { error: "expected a number" })
          .optional(),
        gid: z
          .int({ error: "expected a number" })
          .min(1, { error: "expected a number" })
          .optional(),
      })
      .prefault({}),
  })
  .superRefine(({ keys, rules, bridge }, context) => {
    for (const [section, entries] of Object.entries({ rules, bridge })) {
      entries.forEach((entry, index) => {
        for (const name of entry.keys) {
          if (Object.hasOwn(keys, name)) continue;
          context.addIssue({
            code: "custom",
            path: [section, index, "keys"],
            message: `expected the name of a key under signing.keys, not ${JSON.stringify(name)}`,
          });
        }
      });
    }
  });

/** What {@link signingSettings} makes of its section. */
export type SigningSettings = z.output<typeof signingSettings>;

/** What signs. */
export type SigningKey = z.output<typeof key>;

/** Who has what signed. */
export type SigningRule = z.output<typeof rule>;

/** What is signed again. */
export type BridgeRule = z.output<typeof bridge>;
