import type { Gate } from "../../policy/gate.ts";
import { digestOf } from "../core/digest.ts";
import type { ImageReference } from "../core/image-reference.ts";

/** Whether the gate asks for signatures of what goes by this name, whichever image that is: to read them may begin. */
export async function wantsSignatures(gate: Gate, reference: ImageReference): Promise<boolean> {
  let asked = false;
  const signatures = async () => {
    asked = true;
    return [];
  };
  await gate.verdict({ reference, manifestDigest: digestOf(new Uint8Array()), signatures });
  return asked;
}
