import type { IncomingHttpHeaders } from "node:http";
import type { Operation } from "./operation.ts";

/** One request as the registry saw it. */
export interface LoggedRequest {
  readonly operation: Operation;
  /** `METHOD kind` as {@link Operation.template}. */
  readonly template: string;
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** `http(s)://host:port` that was asked. */
  readonly origin: string;
  /** Number of the TCP connection, from 1. */
  readonly connection: number;
  /** 0 until answered. */
  status: number;
  /** Body bytes read and sent. */
  bytesIn: number;
  bytesOut: number;
}

/** All requests of a registry, in the order they came. */
export class RequestLog {
  readonly entries: LoggedRequest[] = [];

  /** The templates, `GET manifest` and so on, in order; for request budgets. */
  trace(): string[] {
    return this.entries.map((entry) => entry.template);
  }

  /** Templates with their status: `PUT upload 201`. */
  outcome(): string[] {
    return this.entries.map((entry) => `${entry.template} ${entry.status}`);
  }

  /** How often each template came, in alphabetical order. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const template of this.trace().sort()) counts[template] = (counts[template] ?? 0) + 1;
    return counts;
  }

  of(template: string): LoggedRequest[] {
    return this.entries.filter((entry) => entry.template === template);
  }

  get connections(): number {
    return new Set(this.entries.map((entry) => entry.connection)).size;
  }

  clear(): void {
    this.entries.length = 0;
  }
}
