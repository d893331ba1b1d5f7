import type { Caller } from "./caller.ts";

/** A request that was answered, or whose client went away before. */
export interface RequestEvent {
  readonly type: "request";
  /** Which of ours it was: `get-manifest`, `put-blob`, `api`, `lookaside`; few and known, for it names a series of figures. */
  readonly operation: string;
  readonly method: string;
  /** As it was asked for; whoever writes it down removes secrets (`redactUrl`). */
  readonly url: string;
  readonly status: number;
  readonly caller?: Caller;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly userAgent?: string;
  /** Whether all of the answer was handed on. */
  readonly complete: boolean;
}

/** What the parts of the server tell of: made into figures and lines of the log. Nothing secret in it. */
export type ServerEvent =
  | RequestEvent
  /** Whether something asked for was held already; `kind` is manifest or blob. */
  | { readonly type: "cache"; readonly kind: string; readonly result: "hit" | "miss" | "stale" }
  /** An answer of an upstream; `status` 0: none came. */
  | { readonly type: "upstream"; readonly upstream: string; readonly status: number }
  | {
      readonly type: "decision";
      readonly scope: string;
      readonly allowed: boolean;
      /** A word, not a sentence: `signed`, `unsigned`, `blocked`. */
      readonly reason: string;
    }
  /** What a job has done since it was last told of; `ended` in what state, where it has. */
  | {
      readonly type: "jobs";
      readonly kind: string;
      readonly images: number;
      readonly bytesMoved: number;
      readonly bytesSpared: number;
      readonly ended?: string;
    }
  /** For the log alone. */
  | {
      readonly type: "message";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly text: string;
      readonly fields?: Readonly<Record<string, string | number | boolean>>;
      readonly error?: unknown;
    };

/** Takes events; never throws. */
export type Report = (event: ServerEvent) => void;
