import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createGate, type Gate } from "../../../policy/gate.ts";
import type { PolicyOverlay } from "../../../policy/overlay.ts";
import { parsePolicy } from "../../../policy/parse.ts";
import { parseOverlay } from "../../../policy/parse-overlay.ts";
import type { KeySource, Policy } from "../../../policy/policy.ts";
import { keySources } from "../../../policy/requirement-keys.ts";
import type { PolicyFileInfo } from "../../../policy/verdict.ts";
import type { Verifiers } from "../../../sigstore/verifiers.ts";
import { isAbsent, readFile, readIfThere, systemCode } from "../../config/load-file.ts";
import { digestOf, hexOf } from "../../core/digest.ts";

/** Where a policy is, and what else decides besides. */
export interface PolicyPlaces {
  readonly policy: string;
  /** `x-policy.json`; may not be there. */
  readonly overlay?: string;
  /** Files or folders of files that decide where signatures are looked for: registries.d. */
  readonly signaturePlaces?: readonly string[];
}

/** What a gate is made with, besides the files. */
export interface Judging {
  readonly verifiers: Verifiers;
  readonly requireSigned: boolean;
}

/** A policy, all the keys it names, and a gate over exactly these bytes. */
export interface PolicySnapshot {
  readonly gate: Gate;
  readonly verifiers: Verifiers;
  readonly file: PolicyFileInfo;
  /** sha256, hex: of the policy's file, or of it and its overlay where there is one. */
  readonly policyHash: string;
  /** Of all key files and of what says where signatures are. */
  readonly keyHash: string;
  /** Both; what was decided under another is not known any more. */
  readonly key: string;
  /** Of key files that cannot be read, why: what is to be signed by them is refused. */
  readonly unreadable: readonly string[];
  /** Every file that was read or looked for. */
  readonly files: readonly string[];
}

/**
 * Reads everything that a policy decides by. Key files that cannot be read are no failure here: whoever judges by them
 * refuses, in the reference's words.
 *
 * @throws {PolicyError} `policy.invalid`
 * @throws {ConfigError} `config.unreadable`
 */
export function readPolicySnapshot(
  places: PolicyPlaces,
  { verifiers, requireSigned }: Judging,
): PolicySnapshot {
  const bytes = readFile(places.policy);
  const policy = parsePolicy(bytes, places.policy);
  const overlayBytes = places.overlay === undefined ? undefined : readIfThere(places.overlay);
  const overlay = overlayBytes && parseOverlay(overlayBytes, places.overlay ?? "");
  const keyFiles = keyFilesOf(policy, overlay);
  const keys = new Map(keyFiles.map((path) => [path, outcomeOf(() => readFile(path))]));
  const file = { path: places.policy, sha256: hexOf(digestOf(bytes)) };
  const policyHash = overlayBytes ? hashOf([bytes, overlayBytes]) : file.sha256;
  const more = (places.signaturePlaces ?? []).flatMap(filesUnder);
  const keyHash = hashOf(
    [...keys]
      .flatMap(([path, { bytes }]) => [Buffer.from(path), bytes])
      .concat(more.flatMap(contentOf)),
  );
  const gate = createGate(policy, {
    verifiers,
    requireSigned,
    policyFile: file,
    ...(overlay && { overlay }),
    readKeyFile: async (path) => (keys.get(path) ?? outcomeOf(() => readFile(path))).get(),
  });
  const files = [
    places.policy,
    ...(places.overlay === undefined ? [] : [places.overlay]),
    ...keyFiles,
  ];
  return {
    gate,
    verifiers,
    file,
    policyHash,
    keyHash,
    key: `${policyHash}:${keyHash}`,
    unreadable: [...keys.values()].flatMap(({ failure }) => failure ?? []),
    files: [...files, ...(places.signaturePlaces ?? []), ...more],
  };
}

/** What tells, at little cost, whether files are as they were: every change of one changes its ctime. */
export function stampOf(files: readonly string[]): string {
  return files.map(fileStamp).join("\n");
}

function fileStamp(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return systemCode(error) ?? "unreadable";
  }
}

function keyFilesOf(policy: Policy, overlay: PolicyOverlay | undefined): readonly string[] {
  const lists = [
    policy.default,
    ...[...policy.transports.values()].flatMap((scopes) => [...scopes.values()]),
  ];
  const sources = lists.flatMap((list) =>
    list.flatMap((requirement) =>
      requirement.type === "signedBy" || requirement.type === "sigstoreSigned"
        ? keySources(requirement).map(({ source }) => source)
        : [],
    ),
  );
  const all = [...sources, ...overlaySources(overlay)];
  return [...new Set(all.flatMap((source) => ("paths" in source ? source.paths : [])))];
}

function overlaySources(overlay: PolicyOverlay | undefined): readonly KeySource[] {
  const lists = [...(overlay?.transports.values() ?? [])].flatMap((scopes) => [...scopes.values()]);
  return lists
    .flat()
    .flatMap(({ signers, trustedRoot }) => [
      ...(signers.type === "keys" ? [signers.keys] : []),
      ...(trustedRoot ? [trustedRoot] : []),
    ]);
}

/** What reading a file came to: the same answer each time it is asked for. */
interface Outcome {
  /** Of a failure, its text. */
  readonly bytes: Uint8Array;
  readonly failure?: string;
  get(): Uint8Array;
}

function outcomeOf(read: () => Uint8Array): Outcome {
  try {
    const bytes = read();
    return { bytes, get: () => bytes };
  } catch (error) {
    return {
      bytes: Buffer.from(String(error)),
      failure: error instanceof Error ? error.message : String(error),
      get() {
        throw error;
      },
    };
  }
}

function filesUnder(place: string): readonly string[] {
  try {
    return readdirSync(place)
      .sort()
      .map((name) => join(place, name));
  } catch (error) {
    return isAbsent(error) ? [] : [place];
  }
}

function contentOf(path: string): readonly Uint8Array[] {
  return [Buffer.from(path), outcomeOf(() => readFileSync(path)).bytes];
}

/** Of the pieces and where one ends and the next begins. */
function hashOf(pieces: readonly Uint8Array[]): string {
  const framed = pieces.flatMap((piece) => [Buffer.from(`${piece.length}:`), piece]);
  return hexOf(digestOf(Buffer.concat(framed)));
}
