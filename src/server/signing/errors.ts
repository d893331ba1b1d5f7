import { KnownError } from "../../core/errors.ts";

/** Why something was not signed. */
export type SigningErrorCode =
  | "signing.refused"
  | "signing.bad-request"
  | "signing.signer-unreachable"
  | "signing.no-such-key";

/** Nothing was signed. `signing.refused`: the signer has said no, and will again. */
export class SigningError extends KnownError<SigningErrorCode> {}
