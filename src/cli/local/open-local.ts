import type { ShortNameRules } from "../../config/short-names.ts";
import type { Store } from "../../storage/store.ts";
import type { CommandContext } from "../context.ts";
import { storeChoice } from "./store-choice.ts";

/** The store that the flags mean, and what names mean in it. */
export interface LocalStore {
  readonly store: Store;
  readonly rules: ShortNameRules;
}

/** Opens the store that the flags mean. */
export async function openLocal(
  { flags, signal, parts }: CommandContext,
  use: "read" | "change",
): Promise<LocalStore> {
  const { store, shortNames } = await parts();
  const readOnly = use === "read";
  return {
    store: await store(storeChoice(flags), { signal, readOnly }),
    rules: await shortNames(),
  };
}
