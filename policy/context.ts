import type { Verifiers } from "../sigstore/verifiers.ts";
import type { PolicyOverlay } from "./overlay.ts";
import type { PolicyFileInfo } from "./verdict.ts";

/**
 * Reads a file of keys or certificates, by the path that stands in the policy.
 *
 * @throws {KnownError} saying which call failed on which path, in Go's words: `open /k: no such file or directory`
 */
export type ReadKeyFile = (path: string) => Promise<Uint8Array>;

/** What a policy is evaluated with. */
export interface PolicyContext {
  /** No image passes on the word of a policy that checks no signature. */
  readonly requireSigned: boolean;
  readonly verifiers: Verifiers;
  readonly readKeyFile: ReadKeyFile;
  /** What is asked for besides the policy, in a file of ours. */
  readonly overlay?: PolicyOverlay;
  /** Where the policy came from, for explanations. */
  readonly policyFile?: PolicyFileInfo;
}
