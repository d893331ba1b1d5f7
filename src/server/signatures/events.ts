/** Which way a request came. */
export type SignaturesFace = "lookaside" | "api" | "description";

/** What the store of signatures tells of, for figures and the log. Nothing secret in it. */
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
    }
  | {
      readonly type: "signatures-served";
      readonly face: SignaturesFace;
      readonly method: string;
      readonly status: number;
    };

/** Takes events; never throws. */
export type ReportSignatures = (event: SignaturesEvent) => void;
