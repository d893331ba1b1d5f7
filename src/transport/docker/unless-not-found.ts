import { RegistryError } from "../../registry/errors.ts";

/** What a registry was asked for; undefined where it has no such thing, and does not refuse it. */
export async function unlessNotFound<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RegistryError && isAbsence(error)) return undefined;
    throw error;
  }
}

/** A 404 may also say of what is there that it is not for everybody. */
function isAbsence({ code, entries }: RegistryError): boolean {
  return (
    code === "registry.not-found" &&
    !entries.some(({ code }) => code === "DENIED" || code === "UNAUTHORIZED")
  );
}
