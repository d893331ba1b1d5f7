import { type Environment, variable } from "./environment.ts";

/** Where signatures are kept if registries.d names no place — `specs/signing.md` 3.1. */
export function defaultLookasideFolder(environment: Environment): string {
  if (environment.uid === 0) return "/var/lib/containers/sigstore";
  const data = variable(environment, "XDG_DATA_HOME") ?? `${environment.home}/.local/share`;
  return `${data}/containers/sigstore`;
}
