import type { Report } from "../server-event.ts";

/** What the store of signatures tells of. Nothing secret in it. */
export type SignaturesEvent =
  /** A source other than ourselves was asked; `held`: it failed, and what it said before was given instead. */
  | {
      readonly type: "signatures-asked";
      readonly where: string;
      readonly result: "answered" | "failed" | "held";
      readonly durationMs: number;
      /** Why it failed. */
      readonly message?: string;
    }
  /** Signatures that are not given out: no signatures at all, or more than clients take. */
  | {
      readonly type: "signatures-dropped";
      readonly repository: string;
      readonly where: string;
      readonly reason: "malformed" | "too-many";
      readonly count: number;
    };

/** Takes events; never throws. */
export type ReportSignatures = (event: SignaturesEvent) => void;

/** Tells the server's log and figures. */
export function reportTo(report: Report): ReportSignatures {
  return ({ type, ...fields }) => {
    const message = { type: "message", fields } as const;
    if (type === "signatures-dropped") {
      return report({ ...message, level: "warn", text: "signatures are not given out" });
    }
    const { result } = fields as { result: string };
    const answered = result === "answered";
    const text = answered ? "signatures were read" : "signatures could not be read";
    report({ ...message, level: answered ? "debug" : "warn", text });
  };
}
