import { ContentError, KnownError } from "../../core/errors.ts";
import { RegistryError, type RegistryErrorCode } from "../../registry/errors.ts";
import { ServerError } from "../errors.ts";
import { type RegistryAnswerCode, RegistryAnswerError } from "../v2/answer-error.ts";

type Answer = readonly [code: RegistryAnswerCode, status: number];

/** 401 is never passed on: it would ask clients for credentials that are ours to have. */
const answers: Partial<Record<RegistryErrorCode, Answer>> = {
  "registry.unauthorized": ["DENIED", 403],
  "registry.denied": ["DENIED", 403],
  "registry.rate-limited": ["TOOMANYREQUESTS", 429],
  "registry.unavailable": ["UNAVAILABLE", 503],
  "registry.unreachable": ["UNAVAILABLE", 502],
  "registry.unsupported": ["UNSUPPORTED", 405],
  "registry.content-missing": ["MANIFEST_BLOB_UNKNOWN", 404],
  "registry.manifest-refused": ["MANIFEST_INVALID", 400],
  "registry.changed": ["DENIED", 412],
};

/** What an upstream may say is wrong with what it was sent: passed on as it is, for trying again does not help. */
const refusals: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);
const refusalCodes: ReadonlySet<string> = new Set<RegistryAnswerCode>([
  "DENIED",
  "DIGEST_INVALID",
  "NAME_INVALID",
  "SIZE_INVALID",
  "TAG_INVALID",
  "UNSUPPORTED",
]);

/** What a client is told of an upstream's failure. */
export function upstreamAnswer(error: unknown, upstream: string): RegistryAnswerError {
  if (error instanceof RegistryAnswerError) return error;
  const [code, status] = answerTo(error);
  const reason = reasonOf(error);
  return new RegistryAnswerError(code, `upstream ${upstream}: ${reason}`, {
    status,
    cause: error,
    ...(status === 429 && { headers: { "Retry-After": "10" } }),
  });
}

/** Whether it was never asked, for what we need to ask it cannot be read: clients are told no paths. */
function isOurs(error: unknown): boolean {
  return error instanceof ServerError || (error instanceof Error && isOurs(error.cause));
}

function reasonOf(error: unknown): string {
  if (isOurs(error)) return "a file that its settings name cannot be used";
  return error instanceof KnownError ? error.message : "no answer";
}

function answerTo(error: unknown): Answer {
  if (isTimeout(error)) return ["UNAVAILABLE", 504];
  if (error instanceof ContentError) return ["UNAVAILABLE", 502];
  if (isOurs(error)) return ["UNAVAILABLE", 503];
  if (!(error instanceof RegistryError)) throw error; // ours, not the upstream's
  if (error.status === 508) return ["UNAVAILABLE", 508];
  return answers[error.code] ?? refusal(error) ?? ["UNAVAILABLE", 502];
}

function refusal({ status, specCode = "" }: RegistryError): Answer | undefined {
  if (status === undefined || !refusals.has(status)) return undefined;
  return [refusalCodes.has(specCode) ? (specCode as RegistryAnswerCode) : "UNSUPPORTED", status];
}

/** Whether an upstream could not answer rightly now, as opposed to having said no: a copy may stand in for it. */
export function isOutage(error: unknown): boolean {
  if (isSilence(error) || error instanceof ContentError || isOurs(error)) return true;
  if (!(error instanceof RegistryError)) return false;
  return error.code === "registry.bad-response" || error.code === "registry.bad-redirect";
}

const silences: ReadonlySet<RegistryErrorCode> = new Set([
  "registry.rate-limited",
  "registry.unavailable",
  "registry.unreachable",
]);

/**
 * Whether an upstream does not answer, whatever it is asked. One bad answer is none, nor is a circle of proxies: anybody could
 * bring either about.
 */
export function isSilence(error: unknown): boolean {
  if (isTimeout(error)) return true;
  return error instanceof RegistryError && silences.has(error.code) && error.status !== 508;
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** Whether the repository, manifest or blob is not there. */
export function isAbsence(error: unknown): boolean {
  return error instanceof RegistryError && error.code === "registry.not-found";
}
