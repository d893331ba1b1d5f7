import type { PolicyContext } from "../../policy/context.ts";
import { noVerifiers } from "../../sigstore/no-verifiers.ts";

/** What a gate is made with that never gets to see a signature or a key. */
export const noTrust: PolicyContext = {
  requireSigned: false,
  verifiers: noVerifiers,
  readKeyFile: (path) => {
    throw new Error(`no key file is to be read: ${path}`);
  },
};
