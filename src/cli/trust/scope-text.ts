/**
 * A docker scope as policies know it: without `docker://`, and Docker Hub under its one name. `docker.io/team` is left
 * alone, since it may well mean the namespace and not `library/team`; `trust lint` tells of those that never match.
 */
export function scopeText(text: string): string {
  return text.replace(/^docker:\/\//, "").replace(/^index\.docker\.io(?=\/|$)/, "docker.io");
}
