import { KnownError } from "../core/errors.ts";

/** Hints for failures whose own room cannot know our flags; the first row that fits is taken. */
const HINTS: readonly { readonly fits: RegExp; readonly hint: string }[] = [
  {
    fits: /server gave HTTP response to HTTPS client/,
    hint: "Pass --tls-verify=false (--src-tls-verify, --dest-tls-verify) if the registry is meant to speak plain http",
  },
  {
    fits: /x509:|certificate|self-signed/,
    hint: "Put the registry's CA into a folder and pass --cert-dir (--src-cert-dir, --dest-cert-dir)",
  },
  {
    fits: /unauthorized|authentication required|invalid username\/password/,
    hint: "Log in with `amphora login REGISTRY`, or pass --creds (--src-creds, --dest-creds)",
  },
];

/** One sentence on what can be done: the error's own, or its causes', or one from the table. */
export function hintFor(error: Error): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof KnownError && at.hint !== undefined) return at.hint;
  return HINTS.find(({ fits }) => fits.test(error.message))?.hint;
}
