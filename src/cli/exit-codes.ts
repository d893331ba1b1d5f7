import { KnownError } from "../core/errors.ts";

/** Exit codes by error code — `specs/skopeo-cli.md` 1.2; whatever is not named here is 1. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  "transport.image-not-found": 2,
  "cli.interrupted": 130,
  // Skopeo's deletion from a registry does not tell a missing image from any other failure.
  "cli.not-deleted": 1,
};

/** The registry's own word for an image that is not there; a 404 that does not say it is only a failure. */
const NO_SUCH_IMAGE = "MANIFEST_UNKNOWN";

/** What the process ends with after `error`; wrapped errors count as what is deepest in them that has a code of its own. */
export function exitCodeOf(error: unknown): number {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (!(at instanceof KnownError)) continue;
    const code = EXIT_CODES[at.code];
    if (code !== undefined) return code;
    if (at.code === "registry.not-found" && specCode(at) === NO_SUCH_IMAGE) return 2;
  }
  return 1;
}

/** Whether the user called the run off; wrapped errors count as what they come from. */
export function isInterruption(error: unknown): boolean {
  return exitCodeOf(error) === EXIT_CODES["cli.interrupted"];
}

function specCode(error: KnownError): unknown {
  return "specCode" in error ? error.specCode : undefined;
}
