import type { Digest } from "../core/digest.ts";
import type { KeepReplaced } from "../transport/contract/transport.ts";
import { parseBackupNames } from "./backup.ts";
import type { FoundImage } from "./ends.ts";
import type { MirrorRule } from "./mirror.ts";
import type { Existing } from "./parts.ts";
import { namePlace } from "./place.ts";

/** The backup that an image may make of the one whose name it gets. */
export interface ImageBackup {
  /** What the copy is told to do. */
  readonly keepReplaced: KeepReplaced;
  /** The name that the other has now, once it has one. */
  made(): { readonly previous: Digest; readonly backup: string } | undefined;
}

/** Undefined where the rule makes none, or where nothing is replaced: the name has to be free, or there is none. */
export function imageBackup(
  { to }: FoundImage,
  { backup }: MirrorRule,
  existing: Existing,
): ImageBackup | undefined {
  const name = namePlace(to.reference)?.name;
  const isReplaced = existing.type === "go-on" && !existing.onlyIfFree;
  if (backup === undefined || name === undefined || !isReplaced) return undefined;
  const names = parseBackupNames(backup);
  let made: ReturnType<ImageBackup["made"]>;
  return {
    keepReplaced: {
      nameOf: (replaced) => names.nameOf(name, replaced),
      kept: (other, previous) => {
        made = { previous, backup: other };
      },
    },
    made: () => made,
  };
}
