import { formatEnvelope } from "../../../sigstore/envelope.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Digest } from "../../core/digest.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { ServedSignatures } from "../served-signatures.ts";
import type { AnswerMemory } from "./answer-files.ts";
import { AskedOrigins } from "./ask-origins.ts";
import type { ReportSignatures } from "./events.ts";
import { KeptSignatures } from "./kept-signatures.ts";
import type { SignatureOrigin } from "./origin.ts";
import { Revisions } from "./revisions.ts";
import { distinctOf, SignatureSet, type SignatureSetParts } from "./signature-set.ts";
import { subjectOf } from "./subject.ts";
import { faultOf } from "./validity.ts";

/** What signatures are served from. */
export interface ServedSignaturesOptions {
  /** `data/signatures`; made when the first is kept. */
  readonly folder: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Where a repository's signatures come from besides; none where it is kept here and no more. Called often. */
  readonly openOrigins?: (repository: ServedRepository) => Promise<readonly SignatureOrigin[]>;
  /** Where what others said outlives this process; forgotten with it where absent. */
  readonly memory?: AnswerMemory;
  /** How long what others say is good: 60 s. */
  readonly freshForMs?: number;
  /** How long it stands in where they cannot be asked: a day. */
  readonly heldForMs?: number;
  /** How long they may take: 10 s. */
  readonly timeoutMs?: number;
  readonly report?: ReportSignatures;
}

/** {@link ServedSignatures}, and what its faces need besides. */
export interface SignaturesService extends ServedSignatures {
  /** @throws {RegistryAnswerError} 400 NAME_INVALID */
  of(repository: ServedRepository, manifest: Digest): SignatureSet;
  /** To be told of what `watchAttachments` sees; without a manifest: of any. */
  touched(repository: ServedRepository, manifest: Digest | undefined): void;
}

/** Failures are told to all who ask within this time. */
const failureForMs = 2000;

/** The one store of signatures behind all faces. `docs/decisions/0065`. */
export function createServedSignatures(options: ServedSignaturesOptions): SignaturesService {
  const { report = () => {} } = options;
  const revisions = new Revisions();
  const kept = keptOf(options, report);
  const parts: SignatureSetParts = {
    kept,
    asked: askedOf(options, report),
    openOrigins: options.openOrigins ?? (async () => []),
    report,
    onRead: (subject, others) => revisions.noteOthers(subject, others),
  };
  const of = (repository: ServedRepository, manifest: Digest) =>
    new SignatureSet(parts, repository, manifest);
  return {
    of,
    read: async (repository, manifest, { signal }) =>
      distinctOf(await of(repository, manifest).read(signal)),
    readKept: async (repository, manifest, { signal }) =>
      distinctOf(await of(repository, manifest).readKept(signal)),
    readBundles: (repository, manifest, { signal }) => of(repository, manifest).readBundles(signal),
    standsIn: (repository, manifest) => of(repository, manifest).standsIn(),
    async add(repository, manifest, signatures, { signal }) {
      signal.throwIfAborted();
      const added = signatures.map(checkedEnvelope);
      if (added.length === 0) return;
      const set = of(repository, manifest);
      await set.change((folder) => folder.add(added));
      revisions.bump(set.subject);
    },
    touched(repository, manifest) {
      if (manifest) revisions.bump(subjectOf(repository, manifest));
      else revisions.bumpAll();
    },
    revision(repository, manifest) {
      const subject = subjectOf(repository, manifest);
      return revisions.of(subject, kept.state(subject));
    },
  };
}

function keptOf({ folder, now }: ServedSignaturesOptions, report: ReportSignatures) {
  return new KeptSignatures({
    folder,
    now,
    onMalformed: ({ repository }, count) =>
      report({
        type: "signatures-dropped",
        reason: "malformed",
        where: "kept here",
        repository,
        count,
      }),
  });
}

function askedOf(options: ServedSignaturesOptions, report: ReportSignatures) {
  const { now, freshForMs = 60_000, heldForMs = 86_400_000, timeoutMs = 10_000 } = options;
  const limits = { now, freshForMs, heldForMs, timeoutMs, failureForMs };
  return new AskedOrigins({
    ...limits,
    report,
    ...(options.memory && { memory: options.memory }),
  });
}

/**
 * The bytes to keep.
 *
 * @throws {SignatureError} `signature.malformed` for what no client could read
 */
export function checkedEnvelope(signature: UntrustedSignature): Uint8Array {
  const fault = faultOf(signature);
  if (fault === undefined) return formatEnvelope(signature);
  throw new SignatureError("signature.malformed", `this is no signature: it is ${fault}`);
}
