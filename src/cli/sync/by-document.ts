import type { Gate } from "../../../policy/gate.ts";
import type { CommandContext } from "../context.ts";
import { notSupportedYet } from "../errors.ts";

/** `amphora sync FILE [DESTINATION]`. */
export async function syncByDocument(
  _context: CommandContext,
  _gate: Gate,
  _file: string,
  _destination: string | undefined,
): Promise<void> {
  throw notSupportedYet("A mirror specification");
}
