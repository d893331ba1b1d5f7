/** One line of the audit log, before it is chained. Nothing secret in it. */
export interface AuditEvent {
  readonly type:
    | "pull"
    | "push"
    | "delete"
    | "refused"
    | "signed"
    | "signature-added"
    | "signature-removed"
    | "blocked"
    | "unblocked"
    /** `detail`: what for. */
    | "job-started"
    | "job-cancelled"
    | "policy-loaded"
    | "started"
    | "stopped"
    /** The log's own: what a killed process had not finished writing was cut off. */
    | "repaired"
    /** The log's own: it could not be written for so long that this many events are not in it. */
    | "lost";
  readonly user?: string;
  readonly address?: string;
  /** `domain/path`. */
  readonly repository?: string;
  readonly reference?: string;
  readonly digest?: string;
  /** Of the policy that decided. */
  readonly policy?: string;
  readonly decision?: string;
  readonly job?: string;
  readonly detail?: string;
}

/** Append-only. */
export interface AuditLog {
  /** Returns at once; written in order, and flushed on close. */
  note(event: AuditEvent): void;
}
