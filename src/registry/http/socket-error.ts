import { HttpError, type HttpPhase } from "./errors.ts";

/** The two ends of a connection as Go prints them: `127.0.0.1:5000`, `[::1]:5000`. */
export interface Ends {
  readonly local: string;
  readonly remote: string;
}

/** The words that Go has for what the system says. */
const systemTexts: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRNOTAVAIL: "cannot assign requested address",
  ECONNABORTED: "software caused connection abort",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  EMFILE: "too many open files",
  ENOENT: "no such file or directory",
  ENOTSOCK: "socket operation on non-socket",
  ENETUNREACH: "network is unreachable",
  EPIPE: "broken pipe",
  ETIMEDOUT: "connection timed out",
};

const lasting = new Set(["EACCES", "EPERM", "ENOTFOUND", "EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/** `host:port` with the brackets that an IPv6 address needs. */
export function hostPort(host: string, port: number | string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A connection that could not be made: over TCP, or to a socket of this machine. */
export function dialError(
  error: unknown,
  remote: string,
  network: "tcp" | "unix" = "tcp",
): HttpError {
  const code = codeOf(error);
  return new HttpError(
    "registry.unreachable",
    `dial ${network} ${remote}: connect: ${systemText(error, code)}`,
    { phase: "connect", syscallCode: code, retryable: !lasting.has(code ?? ""), cause: error },
  );
}

/** A host name that did not resolve. `server` is the name server asked, as `192.0.2.1:53`. */
export function lookupError(error: unknown, host: string, server: string | undefined): HttpError {
  const code = codeOf(error);
  const asked = server === undefined ? "" : ` on ${server}`;
  const text = code === "EAI_AGAIN" ? "server misbehaving" : "no such host";
  return new HttpError("registry.unreachable", `dial tcp: lookup ${host}${asked}: ${text}`, {
    phase: "connect",
    syscallCode: code,
    retryable: code === "EAI_AGAIN",
    cause: error,
  });
}

/** A connection that broke while it was in use. */
export function lostError(error: unknown, phase: HttpPhase, ends: Ends): HttpError {
  const code = codeOf(error);
  const options = { phase, syscallCode: code, retryable: true, cause: error };
  const call = syscallOf(error) === "write" ? "write" : "read";
  if (syscallOf(error) === undefined) {
    return new HttpError("registry.connection-lost", "EOF", options);
  }
  return new HttpError(
    "registry.connection-lost",
    `${call} tcp ${ends.local}->${ends.remote}: ${call}: ${systemText(error, code)}`,
    options,
  );
}

/** What was waited for did not come in time. */
export function timedOut(message: string, phase: HttpPhase): HttpError {
  return new HttpError("registry.timed-out", message, {
    phase,
    syscallCode: "ETIMEDOUT",
    retryable: true,
  });
}

/** The `code` of a system error or of Node's own, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

function syscallOf(error: unknown): string | undefined {
  const syscall = error instanceof Error && "syscall" in error ? error.syscall : undefined;
  return typeof syscall === "string" ? syscall : undefined;
}

function systemText(error: unknown, code: string | undefined): string {
  if (code !== undefined && code in systemTexts) return systemTexts[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}
