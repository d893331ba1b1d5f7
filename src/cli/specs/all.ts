import { logSpec } from "./audit.ts";
import { compatSpec, completionSpec, helpSpec } from "./builtin.ts";
import { copySpec } from "./copy.ts";
import {
  deleteSpec,
  imageProxySpec,
  infoSpec,
  inspectSpec,
  layersSpec,
  listTagsSpec,
} from "./images.ts";
import { localCommands } from "./local.ts";
import { loginSpec, logoutSpec } from "./login.ts";
import { lookasideSpec, serveSpec } from "./serve.ts";
import { setupSpec } from "./setup.ts";
import { signaturesSpec } from "./signatures.ts";
import { signerSpec } from "./signer.ts";
import {
  generateKeySpec,
  manifestDigestSpec,
  signatureDumpSpec,
  standaloneSignSpec,
  standaloneVerifySpec,
} from "./signing.ts";
import type { CommandSpec, ProgramName } from "./spec.ts";
import { syncSpec } from "./sync.ts";
import { signSpec, trustSpec, verifySpec } from "./trust.ts";
import { workerSpec } from "./worker.ts";

/** Every command, in the order in which skopeo suggests them. */
export const allCommands: readonly CommandSpec[] = [
  copySpec,
  deleteSpec,
  generateKeySpec,
  inspectSpec,
  layersSpec,
  loginSpec,
  logoutSpec,
  manifestDigestSpec,
  imageProxySpec,
  syncSpec,
  standaloneSignSpec,
  standaloneVerifySpec,
  listTagsSpec,
  signatureDumpSpec,
  helpSpec,
  completionSpec,
  compatSpec,
  infoSpec,
  verifySpec,
  signSpec,
  trustSpec,
  signaturesSpec,
  serveSpec,
  signerSpec,
  lookasideSpec,
  workerSpec,
  logSpec,
  setupSpec,
  ...localCommands,
];

/** The commands that exist under this name. */
export function commandsOf(program: ProgramName): readonly CommandSpec[] {
  return program === "skopeo" ? allCommands.filter((spec) => !spec.ours) : allCommands;
}
