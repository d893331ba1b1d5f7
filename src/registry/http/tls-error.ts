import { plainHttpText } from "./contract.ts";
import { HttpError, type HttpPhase } from "./errors.ts";
import { codeOf, type Ends, lostError } from "./socket-error.ts";

/** What of a peer's certificate the error texts tell. */
export interface PeerCertificate {
  readonly valid_from?: string;
  readonly valid_to?: string;
  readonly subjectaltname?: string;
}

/** Alerts, as Go names them; others are their OpenSSL name in lower case. */
const alerts: Readonly<Record<string, string>> = {
  protocol_version: "protocol version not supported",
  unknown_ca: "unknown certificate authority",
  bad_certificate: "bad certificate",
  certificate_expired: "expired certificate",
  certificate_revoked: "revoked certificate",
  unsupported_certificate: "unsupported certificate",
  certificate_unknown: "unknown certificate",
  decrypt_error: "error decrypting message",
  bad_record_mac: "bad record MAC",
  insufficient_security: "insufficient security level",
  unrecognized_name: "unrecognized name",
};

/** Codes of certificates whose chain does not end at a root that is trusted. */
const untrusted = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_UNTRUSTED",
  "INVALID_CA",
]);

/**
 * An error event of a TLS connection in the words of Go's crypto/tls and crypto/x509. `nowMs` is the wall clock, which
 * the text about an expired certificate quotes.
 */
export function tlsError(
  error: Error,
  phase: HttpPhase,
  ends: Ends,
  peer: { readonly certificate: PeerCertificate; readonly nowMs: number },
): Error {
  const code = codeOf(error) ?? "";
  if ("syscall" in error || code === "ECONNRESET") return lostError(error, phase, ends);
  const x509 = certificateText(error, code, peer.certificate, peer.nowMs);
  const text = x509 === undefined ? protocolText(error, code) : verifyFailed(x509);
  return new HttpError("registry.tls", text, { phase, syscallCode: code, cause: error });
}

/** Go's frame round what crypto/x509 says. */
function verifyFailed(text: string): string {
  return `tls: failed to verify certificate: x509: ${text}`;
}

function certificateText(
  error: Error,
  code: string,
  certificate: PeerCertificate,
  nowMs: number,
): string | undefined {
  if (untrusted.has(code)) return "certificate signed by unknown authority";
  if (code === "CERT_HAS_EXPIRED") return timeText("after", certificate.valid_to, nowMs);
  if (code === "CERT_NOT_YET_VALID") return timeText("before", certificate.valid_from, nowMs);
  if (code === wrongNameCode) return error.message;
  if (code.startsWith("ERR_") || code === "") return undefined;
  return error.message;
}

function timeText(side: "after" | "before", limit: string | undefined, nowMs: number): string {
  const now = rfc3339(nowMs);
  return `certificate has expired or is not yet valid: current time ${now} is ${side} ${rfc3339(Date.parse(limit ?? ""))}`;
}

function rfc3339(timeMs: number): string {
  return Number.isNaN(timeMs) ? "unknown" : `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

function protocolText(error: Error, code: string): string {
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_HTTP_REQUEST") {
    return plainHttpText;
  }
  if (code === "ERR_SSL_PACKET_LENGTH_TOO_LONG" || code === "ERR_SSL_UNEXPECTED_MESSAGE") {
    return "tls: first record does not look like a TLS handshake";
  }
  const alert = /_ALERT_(.+)$/.exec(code)?.[1]?.toLowerCase();
  if (alert !== undefined) {
    return `remote error: tls: ${alerts[alert] ?? alert.replaceAll("_", " ")}`;
  }
  if (code === "ERR_SSL_UNSUPPORTED_PROTOCOL") {
    return "tls: server selected unsupported protocol version";
  }
  return `tls: ${error.message}`;
}

/** Node's code for a certificate that stands for other names. */
export const wrongNameCode = "ERR_TLS_CERT_ALTNAME_INVALID";

/** Why a certificate that is trusted does not stand for `host`, as crypto/x509 puts it. */
export function wrongNameText(
  certificate: PeerCertificate,
  host: string,
  isAddress: boolean,
): string {
  const addresses = namesIn(certificate, "IP Address");
  const hosts = namesIn(certificate, "DNS");
  if (!certificate.subjectaltname && !isAddress) {
    return "certificate relies on legacy Common Name field, use SANs instead";
  }
  if (isAddress && addresses.length === 0) {
    return `cannot validate certificate for ${host} because it doesn't contain any IP SANs`;
  }
  const valid = isAddress ? addresses : hosts;
  return valid.length === 0
    ? `certificate is not valid for any names, but wanted to match ${host}`
    : `certificate is valid for ${valid.join(", ")}, not ${host}`;
}

/** The subject alternative names of one kind. A name with a comma or the like in it is quoted by Node. */
export function namesIn(
  certificate: PeerCertificate,
  kind: "DNS" | "IP Address",
): readonly string[] {
  return (certificate.subjectaltname ?? "")
    .split(", ")
    .filter((name) => name.startsWith(`${kind}:`))
    .map((name) => name.slice(kind.length + 1));
}
