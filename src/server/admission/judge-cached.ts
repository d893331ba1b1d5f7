import type { Digest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { ServedSignatures } from "../served-signatures.ts";
import type { Report } from "../server-event.ts";
import type { ManifestReference } from "../v2/backend.ts";
import type { DecisionCache } from "./decision-cache.ts";
import { type DecisionLog, newDecisionId } from "./decision-log.ts";
import { explainJudged } from "./explain-judged.ts";
import { type Judged, judgeDigest, judgeManifest, type Question, single } from "./judge.ts";
import { type Judgement, knownUntil, reasonOf, signedImages } from "./judgement.ts";
import type { PolicySnapshot } from "./policy-snapshot.ts";
import { servedImage } from "./served-image.ts";
import type { AdmissionScope, AdmissionSettings } from "./settings.ts";

/** What is judged: a manifest that is about to leave, or one that did, of which only the digests are at hand. */
export type Judgeable =
  | { readonly type: "manifest"; readonly manifest: RawManifest }
  | { readonly type: "digest"; readonly digest: Digest; readonly signed: Digest };

/** Something that is judged, and for whom. */
export interface Asked {
  readonly repository: ServedRepository;
  readonly reference: ManifestReference;
  readonly what: Judgeable;
  readonly scope: AdmissionScope;
  readonly call: ServerCall;
}

/** What judging needs. */
export interface JudgingParts {
  readonly settings: AdmissionSettings;
  readonly serverName: string;
  /** Whether the path that was asked for means this repository by itself; by default each does. */
  isPlain?(repository: ServedRepository): boolean;
  readonly signatures: ServedSignatures;
  readonly cache: DecisionCache;
  readonly log: DecisionLog;
  readonly now: () => number;
  readonly report: Report;
  readManifest(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<RawManifest | undefined>;
  readBlob?(
    repository: ServedRepository,
    digest: Digest,
    options: ServerCall & { readonly maxBytes: number },
  ): Promise<Uint8Array | undefined>;
}

/**
 * The judgement of something under the policy as it is: one at hand where it still stands, else a new one, made once for
 * all who ask meanwhile. Who asks may go; the others are not to be let down by that.
 */
export async function judgeCached(
  parts: JudgingParts,
  asked: Asked,
  snapshot: PolicySnapshot,
): Promise<Judgement> {
  const key = keyOf(asked);
  const known = standing(parts, asked, snapshot, key);
  if (known) return known;
  const digest = digestOf(asked.what);
  const revision = parts.signatures.revision(asked.repository, digest);
  const flight = `${key}\0${snapshot.key}\0${revision}`;
  const made = parts.cache.make(key, flight, () => judgeAnew(parts, asked, snapshot));
  return await unlessGone(made, asked.call.signal);
}

/** A judgement at hand that stands. No I/O. */
export function standing(
  { cache, now, signatures }: JudgingParts,
  { repository }: Asked,
  { key: policyKey }: PolicySnapshot,
  key: string,
): Judgement | undefined {
  return cache.get(
    key,
    (judgement) =>
      judgement.policyKey === policyKey &&
      now() < judgement.until &&
      judgement.rests.every(
        ({ digest, revision }) => signatures.revision(repository, digest) === revision,
      ),
  );
}

/** What a judgement is about: a name and a digest. */
export function keyOf({ repository, reference, what, scope }: Asked): string {
  const alias = scope.identity === "client" ? `${repository.requested}\0` : "";
  const asked = reference.type === "tag" ? `:${reference.tag}` : `@${reference.digest}`;
  return `${alias}${servedName(repository)}${asked}\0${digestOf(what)}`;
}

function digestOf(what: Judgeable): Digest {
  return what.type === "manifest" ? what.manifest.digest : what.digest;
}

async function judgeAnew(
  parts: JudgingParts,
  asked: Asked,
  snapshot: PolicySnapshot,
): Promise<Judgement> {
  const signal = AbortSignal.timeout(parts.settings.judgeWithin);
  const image = servedImage(asked.repository, asked.reference, {
    identity: asked.scope.identity,
    serverName: parts.serverName,
    isPlain: (repository) => parts.isPlain?.(repository) ?? true,
  });
  const judged = await judgeOrFail(
    parts,
    asked,
    questionOf(parts, asked, { snapshot, image, signal }),
  );
  const discretion = { showDetails: parts.settings.showDetails, files: snapshot.files };
  const now = parts.now();
  const judgement: Judgement = {
    id: newDecisionId(),
    outcome: judged.outcome,
    reason: reasonOf(judged, discretion),
    until: knownUntil(judged, now, parts.settings),
    policyKey: snapshot.key,
    rests: judged.images.flatMap(({ digest, verdict, revision }) =>
      revision === undefined
        ? []
        : [{ digest: (verdict?.manifestDigest ?? digest) as Digest, revision }],
    ),
    images: signedImages(judged),
    isAttachment: judged.images.length === 1 && judged.images[0]?.attachment === true,
  };
  tellAudit(parts, asked, judgement);
  parts.log.keep({
    ...explainJudged(judged),
    id: judgement.id,
    at: new Date(now).toISOString(),
    kind: asked.what.type === "manifest" ? "manifest" : "blob",
    mode: asked.scope.mode,
    scope: asked.scope.pattern,
    repository: servedName(asked.repository),
    served: asked.repository,
    image: formatImageReference(image),
    digest: digestOf(asked.what),
    ...(judgement.reason !== "" && { reason: judgement.reason }),
    policy: { path: snapshot.file.path, sha256: snapshot.policyHash, keys: snapshot.keyHash },
  });
  return judgement;
}

/** What is let go under `audit` is told of once each time that it is judged. */
function tellAudit({ report }: JudgingParts, { scope, repository }: Asked, judgement: Judgement) {
  if (scope.mode !== "audit" || judgement.outcome === "admitted") return;
  report({
    type: "message",
    level: "warn",
    text: `Let go under audit: ${judgement.reason}`,
    fields: { repository: servedName(repository), decision: judgement.id },
  });
}

/** Whatever goes wrong lets nothing in: what nobody foresaw is told to the operator, and undecided. */
async function judgeOrFail(parts: JudgingParts, asked: Asked, question: Question): Promise<Judged> {
  const { what } = asked;
  try {
    // Whoever is asked may not heed the signal: nobody waits longer all the same.
    return await unlessGone(judge(question, what), question.signal);
  } catch (error) {
    const isContent = error instanceof KnownError && error.code.startsWith("content.");
    const failure = error instanceof Error ? error.message : String(error);
    const outcome = isContent ? "refused" : "undecided";
    if (!isContent) {
      const text = `${servedName(asked.repository)} could not be judged: ${failure}`;
      const isKnown = error instanceof KnownError || question.signal.aborted;
      const level = isKnown ? "warn" : "error";
      parts.report({ type: "message", level, text, error });
    }
    const image = { digest: digestOf(what), outcome, failure } as const;
    return { outcome, images: [image], against: image };
  }
}

async function judge(question: Question, what: Judgeable): Promise<Judged> {
  if (what.type === "manifest") return await judgeManifest(question, what.manifest);
  return single(await judgeDigest(question, what.digest, what.signed));
}

function questionOf(
  parts: JudgingParts,
  { repository, reference, scope, call }: Asked,
  about: {
    readonly snapshot: PolicySnapshot;
    readonly image: ImageReference;
    readonly signal: AbortSignal;
  },
): Question {
  const { snapshot, signal, image } = about;
  const inner: ServerCall = { caller: call.caller, signal };
  const { readBlob } = parts;
  return {
    repository,
    asked: reference,
    image,
    gate: snapshot.gate,
    verifiers: snapshot.verifiers,
    signatures: parts.signatures,
    allInstances: scope.instances === "all",
    newestFirst: scope.noRollback,
    readManifest: (digest) => parts.readManifest(repository, digest, inner),
    ...(readBlob && {
      readBlob: (digest, maxBytes) =>
        readBlob.call(parts, repository, digest, { ...inner, maxBytes }),
    }),
    signal,
  };
}

/** Waits no longer than who asked does. */
async function unlessGone<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {}); // it may fail when everybody has left
  signal.throwIfAborted();
  const gone = Promise.withResolvers<never>();
  const leave = () => gone.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, gone.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
