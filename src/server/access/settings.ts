import { isIP } from "node:net";
import * as z from "zod";
import { count, duration, filePath, httpUrl } from "../../config/setting-values.ts";

const words = ["pull", "push", "overwrite", "delete", "sign", "jobs", "admin", "*"] as const;

const action = z.enum(words, { error: `expected one of ${words.join(", ")}` });

const hexDigest = z
  .string({ error: "expected 64 hexadecimal digits" })
  .regex(/^[0-9a-f]{64}$/, { error: "expected 64 hexadecimal digits" });

const userName = z
  .string({ error: "expected a user's name" })
  .regex(/^[^\s:@/,"\\]{1,128}$/, {
    error: "expected a user's name, without spaces, colons, slashes and quotes",
  })
  .refine((name) => name !== "anonymous" && name !== "*", {
    error: "expected a name that does not stand for others",
  });

const ruleUser = z.union(
  [z.literal("*"), z.literal("anonymous"), z.string().regex(/^@[^\s:@]{1,128}$/), userName],
  { error: "expected a user's name, @GROUP, * for every user, or anonymous" },
);

const network = z
  .string({ error: "expected an address or a network such as 10.0.0.0/8" })
  .refine(isNetwork, { error: "expected an address or a network such as 10.0.0.0/8" });

const pattern = z
  .string({ error: "expected a pattern of repositories such as team/**" })
  .min(1, { error: "expected a pattern of repositories such as team/**" });

/** Whoever fits `users` and `addresses` may do `actions` in `repositories`. What no rule grants nobody may. */
const rule = z
  .strictObject({
    users: z.array(ruleUser).min(1, { error: "expected at least one user" }).optional(),
    addresses: z.array(network).min(1, { error: "expected at least one address" }).optional(),
    repositories: z.array(pattern).min(1, { error: "expected at least one pattern" }),
    actions: z.array(action).min(1, { error: "expected at least one action" }),
  })
  .refine((value) => value.users !== undefined || value.addresses !== undefined, {
    error: "expected users or addresses (users: [anonymous] for everybody)",
  });

const robot = z
  .strictObject({
    tokenFile: filePath().optional(),
    sha256: hexDigest.optional(),
    expires: z.iso
      .date({ error: "expected a date such as 2027-12-31" })
      .transform((text) => Date.parse(text))
      .optional(),
  })
  .refine((value) => (value.tokenFile === undefined) !== (value.sha256 === undefined), {
    error: "expected either token-file or sha256",
  });

/** How `/token` issues bearer tokens; there is none without this section. */
export const tokenSettings = z.strictObject({
  /** Where clients find it; made of what they call this server by default. */
  url: httpUrl().optional(),
  /** Whom tokens are for; the server's name by default. */
  service: z.string({ error: "expected a name" }).min(1, { error: "expected a name" }).optional(),
  lifetime: duration().prefault("5m"),
  /** 0: no refresh tokens. */
  refreshLifetime: duration().prefault("0"),
  /** PEM private keys (Ed25519 or P-256): the first signs, all are trusted. Made in the data folder by default. */
  keys: z.array(filePath()).default([]),
});

/** `access:` who may do what. Without this section whoever is on this machine may do all, and others nothing. */
export const accessSettings = z.strictObject({
  /** Of `htpasswd -B`. */
  htpasswd: filePath().optional(),
  /** Lines of `group: user user …`. */
  groups: filePath().optional(),
  realm: z
    .string({ error: "expected a text" })
    .regex(/^[ !#-[\]-~]{1,128}$/, { error: "expected a text without quotes and backslashes" })
    .default("amphora"),
  /** For how long a password that was found good needs no hashing again. */
  verifiedFor: duration().prefault("5m"),
  tokens: tokenSettings.optional(),
  robots: z.record(userName, robot).default({}),
  /** What everybody may do in every repository. */
  anonymous: z.array(action).default([]),
  /** Without rules every user may do all but `jobs` and `admin`. */
  rules: z.array(rule).optional(),
  failedLogins: z
    .strictObject({ limit: count().default(10), window: duration().prefault("1m") })
    .prefault({}),
});

/** As parsed. */
export type AccessSettings = z.output<typeof accessSettings>;

/** As parsed. */
export type TokenSettings = z.output<typeof tokenSettings>;

/** `ADDRESS` or `ADDRESS/BITS`. */
function isNetwork(text: string): boolean {
  const [, address = "", bits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return false;
  return bits === undefined || Number(bits) <= (version === 4 ? 32 : 128);
}
