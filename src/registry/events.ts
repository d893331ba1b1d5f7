import type { RateLimit } from "./rate-limit.ts";

/** What a registry client does, told as it happens. URLs are redacted, texts printable. */
export type RegistryEvent = { readonly host: string } & (
  | {
      readonly type: "answered";
      readonly method: string;
      readonly url: string;
      readonly status: number;
    }
  /** A request is made again after `delayMs`. */
  | {
      readonly type: "retrying";
      readonly method: string;
      readonly url: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  /** All requests to the host wait, because it asked for it. */
  | { readonly type: "paused"; readonly delayMs: number }
  /** Manifests are not read for so long, or until it is known that there are more pulls, so as to leave some to others. */
  | { readonly type: "held"; readonly delayMs: number; readonly pullsLeft: number }
  /** A transfer goes on at `offset` after a failure. */
  | {
      readonly type: "resuming";
      readonly side: "download" | "upload";
      readonly digest: string;
      readonly offset: number;
      readonly reason: string;
    }
  /** Each distinct text once. */
  | { readonly type: "warning"; readonly text: string; readonly url: string }
  | { readonly type: "rate-limit"; readonly rateLimit: RateLimit }
  /** Something a person may want to know: credentials sent to another host's realm, … */
  | { readonly type: "notice"; readonly text: string }
);

/** Where events go; must not throw. */
export type ReportRegistry = (event: RegistryEvent) => void;
