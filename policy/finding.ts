import type { PolicyPath } from "./errors.ts";

/** What can be found in a policy that is valid, and probably not what was meant. Stable, for programs. */
export type FindingCode =
  | "policy.invalid"
  | "policy.writable"
  | "default.accepts-anything"
  | "transport.unknown"
  | "transport.no-signatures"
  | "scope.never-matches"
  | "scope.matches-more"
  | "scope.without-port"
  | "scope.tag-bypassed"
  | "scope.weaker-than-parent"
  | "scope.symlink"
  | "scope.missing-path"
  | "requirement.duplicate"
  | "requirement.all-needed"
  | "requirement.adds-nothing"
  | "requirement.never-reached"
  | "requirement.not-implemented"
  | "identity.never-matches"
  | "identity.cosign"
  | "identity.fulcio"
  | "identity.idle-remap"
  | "sigstore.no-attachments"
  | "key.relative-path"
  | "key.unreadable"
  | "key.imports-nothing"
  | "key.only-first"
  | "key.expired"
  | "key.expires-soon"
  | "key.revoked"
  | "key.private"
  | "key.wrong-kind"
  | "key.writable";

/**
 * How bad it is. `error`: an image that should pass never will, or the file is no policy. `warning`: it does something
 * that few would want. `info`: worth knowing.
 */
export type Severity = "error" | "warning" | "info";

/** One thing found in a policy. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Where in the file; a requirement's members are found at the requirement. */
  readonly path: PolicyPath;
  readonly message: string;
  /** One sentence in the imperative, where the message does not say what to do. */
  readonly hint?: string;
}
