import { type BigIntStats, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { systemCode } from "../../config/load-file.ts";

/** A folder as it is now: equal marks, equal content, unless it has just been {@link FolderState.changing}. */
export interface FolderState {
  readonly mark: string;
  /** Changed so lately that the next change may leave the same time behind. */
  readonly changing: boolean;
}

/** Nothing is there. */
export const absent: FolderState = { mark: "absent", changing: false };

/** Clocks of file systems go in steps: of the kernel's tick, or of one or two seconds where they store no less. */
const fineStepMs = 100;
const coarseStepMs = 2500;

/** @throws what the system says of anything but its absence */
export async function folderState(path: string, now: number): Promise<FolderState> {
  try {
    return stateOf(await stat(path, { bigint: true }), now);
  } catch (error) {
    return absentOr(error);
  }
}

/** As {@link folderState}, at once. */
export function folderStateSync(path: string, now: number): FolderState {
  try {
    return stateOf(statSync(path, { bigint: true }), now);
  } catch (error) {
    return absentOr(error);
  }
}

function stateOf({ dev, ino, mtimeNs, ctimeNs }: BigIntStats, now: number): FolderState {
  const step = mtimeNs % 1_000_000_000n === 0n ? coarseStepMs : fineStepMs;
  const age = Math.abs(now - Number(mtimeNs / 1_000_000n));
  return { mark: `${dev}:${ino}:${mtimeNs}:${ctimeNs}`, changing: age < step };
}

/** A name that is too long for the file system can hold nothing. */
function absentOr(error: unknown): FolderState {
  if (["ENOENT", "ENAMETOOLONG"].includes(systemCode(error) ?? "")) return absent;
  throw error;
}
