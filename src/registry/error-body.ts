import { printable, quotedBytes } from "./printable.ts";

/** One of the `errors` in an answer's body — OCI distribution-spec § Error codes. */
export interface ErrorEntry {
  /** One of the known codes; `UNKNOWN` for any other. */
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

/** What a failed answer says, for a person and for decisions. */
export interface Failure {
  /** In skopeo's words. */
  readonly text: string;
  readonly entries: readonly ErrorEntry[];
}

/** The codes known and their default texts, as the distribution registry has them. */
const defaultTexts: Readonly<Record<string, string>> = {
  UNKNOWN: "unknown error",
  UNSUPPORTED: "The operation is unsupported.",
  UNAUTHORIZED: "authentication required",
  DENIED: "requested access to the resource is denied",
  UNAVAILABLE: "service unavailable",
  TOOMANYREQUESTS: "too many requests",
  DIGEST_INVALID: "provided digest did not match uploaded content",
  SIZE_INVALID: "provided length did not match content length",
  RANGE_INVALID: "invalid content range",
  NAME_INVALID: "invalid repository name",
  TAG_INVALID: "manifest tag did not match URI",
  NAME_UNKNOWN: "repository name not known to registry",
  MANIFEST_UNKNOWN: "manifest unknown",
  MANIFEST_INVALID: "manifest invalid",
  MANIFEST_UNVERIFIED: "manifest failed signature verification",
  MANIFEST_BLOB_UNKNOWN: "blob unknown to registry",
  BLOB_UNKNOWN: "blob unknown to registry",
  BLOB_UPLOAD_UNKNOWN: "blob upload unknown to registry",
  BLOB_UPLOAD_INVALID: "blob upload invalid",
  PAGINATION_NUMBER_INVALID: "invalid number of results requested",
};

/** An answer with a status of failure. */
export interface FailedAnswer {
  readonly status: number;
  readonly reason: string;
  readonly body: Uint8Array;
  /** The `error` and `error_description` of a Bearer challenge — RFC 6750 § 3.1. */
  readonly bearerError?: string | undefined;
  readonly bearerErrorDescription?: string | undefined;
}

/** Reads a failed answer. The body is parsed by attempt: its Content-Type is often wrong. */
export function readFailure(answer: FailedAnswer): Failure {
  if (answer.status < 400 || answer.status >= 500) {
    return {
      text: `received unexpected HTTP status: ${statusLine(answer)}`,
      entries: parseEntries(answer) ?? [],
    };
  }
  const fromHeader = bearerEntry(answer);
  const fromBody = parseEntries(answer);
  const entries = [...(fromHeader ? [fromHeader] : []), ...(fromBody ?? [])];
  const first = entries[0];
  if (first) return { text: entryText(first), entries };
  if (answer.status === 401) {
    const entry = { code: "UNAUTHORIZED", message: defaultTexts["UNAUTHORIZED"] ?? "", detail: "" };
    return { text: entryText(entry), entries: [entry] };
  }
  const cut =
    answer.body.length > 50
      ? `${quotedBytes(answer.body.subarray(0, 50)).slice(0, -1)}..."`
      : quotedBytes(answer.body);
  return { text: `StatusCode: ${answer.status}, ${cut}`, entries: [] };
}

/** `503 Service Unavailable`, as sent. */
export function statusLine(answer: { readonly status: number; readonly reason: string }): string {
  return printable(`${answer.status} ${answer.reason}`.trimEnd());
}

/** Default text without detail: the code in words. Default text with one: the text. Else both. */
function entryText({ code, message, detail }: ErrorEntry): string {
  const words = code.replaceAll("_", " ").toLowerCase();
  const isDefault = message === defaultTexts[code];
  if (detail === undefined && (message === "" || isDefault)) return words;
  return isDefault ? message : `${words}: ${printable(message)}`;
}

function bearerEntry(answer: FailedAnswer): ErrorEntry | undefined {
  if (answer.status !== 401) return undefined;
  const codes: Readonly<Record<string, string>> = {
    invalid_token: "UNAUTHORIZED",
    insufficient_scope: "DENIED",
  };
  const code = codes[answer.bearerError ?? ""];
  if (code === undefined) return undefined;
  const message = answer.bearerErrorDescription || (defaultTexts[code] ?? "");
  return { code, message, detail: "" };
}

function parseEntries({ status, body }: FailedAnswer): readonly ErrorEntry[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
  const { details, errors } = (json ?? {}) as { details?: unknown; errors?: unknown };
  if (typeof details === "string" && details !== "") {
    const codes: Readonly<Record<number, string>> = {
      401: "UNAUTHORIZED",
      403: "DENIED",
      429: "TOOMANYREQUESTS",
    };
    return [{ code: codes[status] ?? "UNKNOWN", message: details, detail: "" }];
  }
  if (!Array.isArray(errors)) return undefined;
  const entries = errors.map(parseEntry);
  return entries.length > 0 && entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function parseEntry(item: unknown): ErrorEntry | undefined {
  const { code, message, detail } = (item ?? {}) as Record<string, unknown>;
  if (code !== undefined && typeof code !== "string") return undefined;
  if (message !== undefined && message !== null && typeof message !== "string") return undefined;
  return {
    code: typeof code === "string" && Object.hasOwn(defaultTexts, code) ? code : "UNKNOWN",
    message: message ?? "",
    ...(detail !== undefined && detail !== null && { detail }),
  };
}
