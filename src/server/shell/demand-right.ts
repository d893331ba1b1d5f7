import type { Access, Action, Credentials } from "../access.ts";
import type { Caller } from "../caller.ts";
import { refusalOf } from "../v2/rights.ts";

/**
 * Goes on where the caller has this right for the server as a whole.
 *
 * @throws {RegistryAnswerError} 401 with a challenge for nobody in particular, and for somebody whose token does not say that
 *   they may; 403 DENIED for somebody who may not
 */
export function demandRight(
  access: Access,
  caller: Caller,
  right: Action,
  credentials: Credentials,
): void {
  if (access.allows(caller, "", right)) return;
  const challenge = access.challenge("", [right], credentials);
  const message = `the right "${right}" is needed`;
  throw refusalOf(access, caller, { name: "", action: right, challenge, message });
}
