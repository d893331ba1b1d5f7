import type { Job, JobState } from "../../../jobs/job.ts";

/** Why the server did not do as asked. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(status: number, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** Who sits there, and what they may do. */
export interface Session {
  /** Null: nobody in particular. */
  readonly user: string | null;
  readonly rights: { readonly jobs: boolean; readonly admin: boolean };
  /** Whether the server knows users at all. */
  readonly login: boolean;
  readonly server: { readonly name: string; readonly version: string };
}

/** A mirror of the settings. */
export interface MirrorRow {
  readonly name: string;
  readonly rules: readonly { readonly from: string; readonly to: string }[];
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly nextRun?: number;
  readonly lastJob?: Job;
}

/** What the policy said to a request. */
export interface Decision {
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly outcome: "admitted" | "refused" | "undecided";
  readonly mode: string;
  readonly repository: string;
  readonly image: string;
  readonly digest: string;
  readonly reason?: string;
  readonly hint?: string;
  readonly scope: string;
  readonly policy?: { readonly path: string; readonly sha256: string };
  readonly images?: readonly {
    readonly digest: string;
    readonly platform?: string;
    readonly allowed: boolean;
    readonly text?: string;
  }[];
}

/** What is blocked whatever the policy says. */
export interface Block {
  readonly id: string;
  readonly digest?: string;
  readonly repository?: string;
  readonly reason: string;
  readonly at: string;
}

/** Which jobs are listed. */
export interface JobFilter {
  readonly states?: readonly JobState[];
  readonly before?: string;
  readonly limit?: number;
}

/** The server's API, as the page uses it. @throws {ApiFailure} */
export const api = {
  session: () => call<Session>("GET", "session"),
  login: (user: string, password: string) => call<Session>("POST", "session", { user, password }),
  logout: () => call<void>("DELETE", "session"),
  jobs({ states = [], before, limit = 50 }: JobFilter = {}) {
    const query = new URLSearchParams({ limit: String(limit) });
    if (states.length > 0) query.set("state", states.join(","));
    if (before !== undefined) query.set("before", before);
    return call<{ jobs: Job[]; next?: string }>("GET", `jobs?${query}`);
  },
  job: async (id: string) => (await call<{ job: Job }>("GET", `jobs/${id}`)).job,
  /** The same key again starts nothing that was started already, though the answer was lost. */
  start: async (request: object, key: string) =>
    (await call<{ job: Job }>("POST", "jobs", request, { "Idempotency-Key": key })).job,
  cancel: async (id: string) => (await call<{ job: Job }>("DELETE", `jobs/${id}`)).job,
  retry: async (id: string) => (await call<{ job: Job }>("POST", `jobs/${id}/retry`, {})).job,
  mirrors: async () => (await call<{ mirrors: MirrorRow[] }>("GET", "mirrors")).mirrors,
  runMirror: async (name: string, dryRun: boolean) =>
    (await call<{ job: Job }>("POST", `mirrors/${encodeURIComponent(name)}/run`, { dryRun })).job,
  decisions: async (query: Readonly<Record<string, string>>) =>
    (await call<{ decisions: Decision[] }>("GET", `decisions?${new URLSearchParams(query)}`))
      .decisions,
  decision: (id: string) => call<Decision>("GET", `decisions/${id}`),
  blocked: async () => (await call<{ blocked: Block[] }>("GET", "blocked")).blocked,
} as const;

/** After so long nobody waits for an answer any more. */
const patienceMs = 60_000;

async function call<T>(
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const response = await fetch(`/api/v1/${path}`, {
    method,
    headers: {
      Accept: "application/json",
      ...(body && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(patienceMs),
  }).catch(() => {
    throw new ApiFailure(0, "The server does not answer", "Look whether it runs, then try again");
  });
  if (!response.ok) throw await failureOf(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** The jobs' API says `error`, the registry's `errors`. */
async function failureOf(response: Response): Promise<ApiFailure> {
  const told = (await response.json().catch(() => ({}))) as {
    error?: { message?: string; hint?: string };
    errors?: readonly { message?: string }[];
  };
  const message = told.error?.message ?? told.errors?.[0]?.message ?? response.statusText;
  const isOver = response.status === 401 && !response.url.endsWith("/session");
  const hint = isOver ? "Log in again: load this page anew" : told.error?.hint;
  return new ApiFailure(response.status, message, hint);
}
