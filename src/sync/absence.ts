import { KnownError } from "../core/errors.ts";

const absences: ReadonlySet<string> = new Set([
  "registry.not-found",
  "transport.image-not-found",
  "layout.missing",
]);

/** Whether a failure says that an image, or the place it would be in, is not there. */
export function isAbsence(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof KnownError && absences.has(each.code)) return true;
  }
  return false;
}
