import { RegistryError } from "../../registry/errors.ts";

/** What a registry was asked for; undefined where it has no such thing. */
export async function unlessNotFound<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RegistryError && error.code === "registry.not-found") return undefined;
    throw error;
  }
}
