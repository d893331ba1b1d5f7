import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { SignedRequirement } from "../../../policy/load-trust.ts";
import type { Policy } from "../../../policy/policy.ts";
import { keySources } from "../../../policy/requirement-keys.ts";
import {
  type CertificateDescription,
  describeKeys,
} from "../../../sigstore/simple-signing/describe-keys.ts";
import { readFile } from "../../config/load-file.ts";
import { KnownError } from "../../core/errors.ts";
import { entriesOf, type Finding, type Remark } from "./findings.ts";
import { kindOf } from "./key-file.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A key that ends sooner than this is told of. */
const SOON_DAYS = 30;
const WRITABLE_BY_OTHERS = 0o022;

/** What is wrong with the keys that a policy names, now. */
export function lintKeys(policy: Policy, now: Date): readonly Finding[] {
  return entriesOf(policy).flatMap(({ place, requirements }) =>
    requirements.flatMap((requirement, index) => {
      if (requirement.type !== "signedBy" && requirement.type !== "sigstoreSigned") return [];
      const remarks = lintSources(requirement, now);
      return remarks.map((remark) => ({ ...remark, place, requirement: index }));
    }),
  );
}

function lintSources(requirement: SignedRequirement, now: Date): readonly Remark[] {
  const looked = keySources(requirement).flatMap(({ member, source }) => {
    if ("data" in source) return source.data.map((bytes) => ({ bytes, remarks: [] }));
    const wanted = member === "key" ? KINDS[requirement.type] : undefined;
    return source.paths.map((path) => lookAt(path, wanted));
  });
  const remarks = looked.flatMap((one) => one.remarks);
  const readable = looked.flatMap(({ bytes }) => bytes ?? []);
  if (requirement.type !== "signedBy" || readable.length < looked.length) return remarks;
  return [...remarks, ...lintCertificates(describeKeys(readable, now), now)];
}

const KINDS = { signedBy: "openpgp", sigstoreSigned: "sigstore" } as const;

interface LookedAt {
  readonly bytes?: Uint8Array;
  readonly remarks: readonly Remark[];
}

function lookAt(path: string, wanted: "openpgp" | "sigstore" | undefined): LookedAt {
  const remarks: Remark[] = [];
  const warn = (code: string, message: string) =>
    remarks.push({ level: "warning", code, message: `${path}: ${message}` });
  if (!isAbsolute(path)) warn("key.relative", "which file this is depends on where one stands");
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return {
      remarks: [...remarks, { level: "error", code: "key.unreadable", message: error.message }],
    };
  }
  if ((statSync(path).mode & WRITABLE_BY_OTHERS) !== 0)
    warn("key.writable", "others than its owner may write to it, and so decide whom to trust");
  const kind = kindOf(bytes);
  if (kind === "private") warn("key.private", "it holds a private key, which has no business here");
  else if (wanted !== undefined && kind !== wanted)
    return {
      remarks: [
        ...remarks,
        { level: "error", code: "key.wrong-kind", message: `${path}: ${FAULTS[kind]}` },
      ],
    };
  return { bytes, remarks };
}

const FAULTS: Readonly<Record<ReturnType<typeof kindOf>, string>> = {
  openpgp: "an OpenPGP key, of use for signedBy only",
  sigstore: "a sigstore key, of use for sigstoreSigned only",
  private: "a private key",
  keybox: "a GnuPG keybox, of which no key is imported; export the key with gpg --export",
  other: "no public key",
};

function lintCertificates(keys: readonly CertificateDescription[], now: Date): readonly Remark[] {
  if (keys.length === 0)
    return [
      { level: "error", code: "key.none", message: "no key is imported: every image is refused" },
    ];
  const remarks = keys.flatMap((key) => lintCertificate(key, now));
  const usable = keys.some((key) => [key, ...key.subkeys].some(({ signs }) => signs));
  if (usable) return remarks;
  const message = "no key is good any more: every image is refused";
  return [...remarks, { level: "error", code: "key.none-good", message }];
}

function lintCertificate(key: CertificateDescription, now: Date): readonly Remark[] {
  const name = `key ${key.fingerprint}${key.userIds[0] === undefined ? "" : ` (${key.userIds[0]})`}`;
  const able = [key, ...key.subkeys].filter(({ signs }) => signs);
  if (able.length === 0) {
    const message = `${name} ${key.problem ?? "cannot sign"}`;
    return [{ level: "warning", code: "key.not-good", message }];
  }
  const ends = able.map(({ expires }) => expires?.getTime() ?? Number.POSITIVE_INFINITY);
  const days = Math.floor((Math.max(...ends) - now.getTime()) / DAY_MS);
  if (days > SOON_DAYS) return [];
  const message = `${name} ends in ${days} days`;
  return [
    {
      level: "warning",
      code: "key.ends-soon",
      message,
      hint: "Replace it with `amphora trust rotate`, or import it again when it was extended",
    },
  ];
}
