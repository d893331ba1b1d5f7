import type { Environment } from "./environment.ts";

/** Where signatures are kept if registries.d names no place; XDG_DATA_HOME is not asked — `specs/signing.md` 3.1. */
export function defaultLookasideFolder(environment: Environment): string {
  if (environment.uid === 0) return "/var/lib/containers/sigstore";
  return `${environment.home}/.local/share/containers/sigstore`;
}
