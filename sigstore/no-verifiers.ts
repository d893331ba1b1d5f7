import { SignatureError } from "./errors.ts";
import type { Verifiers } from "./verifiers.ts";

function refuse(): SignatureError {
  return new SignatureError("signature.bad-trust", "signatures cannot be verified here", {
    hint: "Hand the gate verifiers",
  });
}

/** Verifiers that take no key and believe no signature: where no policy is to ask for one. */
export const noVerifiers: Verifiers = {
  simpleSigning: async () => {
    throw refuse();
  },
  sigstore: async () => {
    throw refuse();
  },
  bundles: async () => {
    throw refuse();
  },
  describe: async ({ format }) => ({ format }),
};
