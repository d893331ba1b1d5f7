import * as z from "zod";
import { count, duration, filePath, listenAddress, size } from "../../config/setting-values.ts";

const switchable = z.boolean({ error: "expected true or false" });

/** `tls:` certificate and key are read again when they change. */
export const tlsSettings = z
  .strictObject({
    cert: filePath(),
    key: filePath(),
    /** Whoever has a certificate of this authority is the user that its common name says. */
    clientCa: filePath().optional(),
    /** Nobody without a certificate is spoken to. */
    requireClientCert: switchable.default(false),
  })
  .refine(({ clientCa, requireClientCert }) => clientCa !== undefined || !requireClientCert, {
    path: ["clientCa"],
    error: "expected the authority of the certificates that clients are to have",
  });

/** `limits:` what is more is answered 429, or 413. */
export const limitSettings = z.strictObject({
  manifestBytes: size().prefault("4MiB"),
  /** 0: as large as the disk. */
  blobBytes: size().prefault("0"),
  /** Requests a second; 0: as many as they like. */
  requestsPerUser: count().default(0),
  requestsPerAddress: count().default(0),
  connections: count().default(10_000),
  /** A client has this long to say what it wants. */
  headersWithin: duration().prefault("30s"),
  /** A client that neither sends nor takes for so long is cut off. */
  idleFor: duration().prefault("1m"),
  keepAliveFor: duration().prefault("75s"),
});

/** `log:` lines on standard error. */
export const logSettings = z.strictObject({
  level: z
    .enum(["debug", "info", "warn", "error"], { error: "expected debug, info, warn or error" })
    .default("info"),
  /** By default text on a terminal, JSON elsewhere. */
  format: z.enum(["json", "text"], { error: "expected json or text" }).optional(),
  requests: switchable.default(true),
});

/** `metrics:` figures in Prometheus' form. */
export const metricsSettings = z.strictObject({
  /** A listener of its own, which everybody who reaches it may ask. Without one `/metrics` needs the right `admin`. */
  listen: listenAddress().optional(),
});

/** `shutdown:` */
export const shutdownSettings = z.strictObject({
  /** What is being transferred has this long to come to its end. */
  within: duration().prefault("60s"),
  /** How long `/readyz` says no before the door is closed, for load balancers that look at it. */
  announce: duration().prefault("0"),
});

/** As parsed. */
export type TlsSettings = z.output<typeof tlsSettings>;
/** As parsed. */
export type LimitSettings = z.output<typeof limitSettings>;
/** As parsed. */
export type LogSettings = z.output<typeof logSettings>;
