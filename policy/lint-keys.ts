import { KnownError } from "../src/core/errors.ts";
import { goQuote } from "../src/core/go-quote.ts";
import type { ReadKeyFile } from "./context.ts";
import type { FindingCode, Severity } from "./finding.ts";
import { looksLike } from "./key-file-kind.ts";

/** One key or certificate found in a file. */
export interface KeyDescription {
  /** A fingerprint or the subject of a certificate. */
  readonly id: string;
  readonly expires?: Date;
  readonly revoked?: boolean;
}

/** Of which kind the keys of a file are meant to be. */
export type KeyKind = "openpgp" | "public-key" | "certificates";

/** What of the world the linter looks at keys with. */
export interface KeyLintOptions {
  readonly readKeyFile: ReadKeyFile;
  /** The keys in `bytes`; none where nothing can be read as such. Without it, only the files' presence is looked at. */
  readonly describeKeys?: (kind: KeyKind, bytes: Uint8Array) => Promise<readonly KeyDescription[]>;
  readonly now: Date;
  /** How long before its end a key is told; by default 30 days. */
  readonly soonMs?: number;
  /** Whether everybody may write to a file. Without it, that is not looked at. */
  readonly isWritableByAll?: (path: string) => Promise<boolean>;
}

/** A finding about what a requirement trusts. */
export interface KeyFinding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly message: string;
}

/** How long before its end a key is told. */
const days30 = 30 * 24 * 60 * 60 * 1000;

/** A file of keys, or what stands in its place in the policy itself. */
export interface KeyFile {
  readonly name: string;
  readonly path?: string;
  readonly bytes?: Uint8Array;
}

/** What was found in one file; `keys` is undefined where it could not be read at all. */
export interface LintedKeyFile {
  readonly findings: readonly KeyFinding[];
  readonly keys: readonly KeyDescription[] | undefined;
}

/** Looks at one file that a requirement names, as the evaluation would find it now. */
export async function lintKeyFile(
  file: KeyFile,
  kind: KeyKind,
  options: KeyLintOptions,
): Promise<LintedKeyFile> {
  const findings = [...lintPath(file.path)];
  const bytes = await readOrFinding(file, options.readKeyFile);
  if (!(bytes instanceof Uint8Array)) return { findings: [...findings, bytes], keys: undefined };
  findings.push(...(await lintMode(file.path, options)));
  const found = await lintBytes(file.name, kind, bytes, options);
  return { findings: [...findings, ...found.findings], keys: found.keys };
}

function lintPath(path: string | undefined): readonly KeyFinding[] {
  if (path === undefined || path.startsWith("/")) return [];
  const message = `${goQuote(path)} is looked for in whatever folder the program is run in`;
  return [{ code: "key.relative-path", severity: "warning", message }];
}

async function lintMode(
  path: string | undefined,
  { isWritableByAll }: KeyLintOptions,
): Promise<readonly KeyFinding[]> {
  if (path === undefined || !(await isWritableByAll?.(path))) return [];
  const message = `everybody may write to ${path}, and so decide whom to trust`;
  return [{ code: "key.writable", severity: "warning", message }];
}

async function readOrFinding(
  { path, bytes }: KeyFile,
  read: ReadKeyFile,
): Promise<Uint8Array | KeyFinding> {
  if (path === undefined) return bytes ?? new Uint8Array();
  try {
    return await read(path);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return { code: "key.unreadable", severity: "error", message: error.message };
  }
}

async function lintBytes(
  name: string,
  kind: KeyKind,
  bytes: Uint8Array,
  { describeKeys, now, soonMs = days30 }: KeyLintOptions,
): Promise<{ readonly findings: readonly KeyFinding[]; readonly keys: readonly KeyDescription[] }> {
  const like = looksLike(bytes);
  const findings = [
    ...(like === "private" ? [privateKey(name)] : []),
    ...(kind === "public-key" ? lintPem(name, bytes) : []),
  ];
  if (like !== kind && like !== "private" && like !== "unknown") {
    const message = `${name} holds ${kinds[like]}, where ${kinds[kind]} is wanted`;
    return { keys: [], findings: [{ code: "key.wrong-kind", severity: "error", message }] };
  }
  if (!describeKeys) return { findings, keys: [] };
  const keys = await describeKeys(kind, bytes);
  if (keys.length === 0) {
    // The reference reads OpenPGP files as one set, in which one may be empty; of PEM files each must be good.
    const severity = kind === "openpgp" ? "warning" : "error";
    const message = `nothing in ${name} is read as ${kinds[kind]}`;
    return { keys, findings: [...findings, { code: "key.imports-nothing", severity, message }] };
  }
  return {
    keys,
    findings: [...findings, ...keys.flatMap((key) => lintKey(key, name, now, soonMs))],
  };
}

const kinds: Readonly<Record<KeyKind, string>> = {
  openpgp: "an OpenPGP key",
  "public-key": "a public key",
  certificates: "a certificate",
};

function privateKey(name: string): KeyFinding {
  const message = `${name} holds a private key, which has no business here`;
  return { code: "key.private", severity: "warning", message };
}

function lintPem(name: string, bytes: Uint8Array): readonly KeyFinding[] {
  const blocks =
    Buffer.from(bytes)
      .toString("latin1")
      .match(/^-----BEGIN [A-Z0-9 ]+-----/gm) ?? [];
  if (blocks.length < 2) return [];
  const message = `only the first of the ${blocks.length} keys in ${name} is used: write a file a key, and keyPaths`;
  return [{ code: "key.only-first", severity: "warning", message }];
}

function lintKey(
  { id, expires, revoked }: KeyDescription,
  name: string,
  now: Date,
  soonMs: number,
): readonly KeyFinding[] {
  const key = `key ${id} in ${name}`;
  if (revoked) return [{ code: "key.revoked", severity: "warning", message: `${key} is revoked` }];
  if (!expires || expires.getTime() - now.getTime() > soonMs) return [];
  const day = expires.toISOString().slice(0, 10);
  return expires <= now
    ? [{ code: "key.expired", severity: "warning", message: `${key} expired on ${day}` }]
    : [{ code: "key.expires-soon", severity: "warning", message: `${key} expires on ${day}` }];
}
