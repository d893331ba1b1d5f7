import { type BigIntStats, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../../config/load-file.ts";

/** One file of a folder as it is now. */
export interface FileState {
  readonly number: number;
  /** Equal marks, equal content, unless it is {@link changing}. */
  readonly mark: string;
  /** Written so lately that the next time it is written may leave the same time behind. */
  readonly changing: boolean;
}

/** The signatures of a folder as they are now, by number; there may be gaps. */
export interface FolderState {
  /** Equal marks, equal content, unless it is {@link changing}. */
  readonly mark: string;
  readonly changing: boolean;
  readonly files: readonly FileState[];
}

/** Clocks of file systems go in steps: of the kernel's tick, or of one or two seconds where they store no less. */
const fineStepMs = 20;
const coarseStepMs = 2500;

const absent: FolderState = { mark: "absent", changing: false, files: [] };

/**
 * Looks at all files, since other programs write over them in place, which the folder does not show. In one turn, so that
 * nobody of this process changes anything meanwhile.
 *
 * @param now milliseconds since the epoch
 * @throws what the system says of anything but its absence
 */
export function folderState(path: string, now: number): FolderState {
  const folder = statsOf(path);
  if (!folder) return absent;
  const files = numbersIn(path).flatMap((number) => {
    const stats = statsOf(join(path, `signature-${number}`));
    return stats ? [{ number, mark: markOf(stats), changing: isChanging(stats, now) }] : [];
  });
  return {
    mark: [markOf(folder), ...files.map(({ number, mark }) => `${number}:${mark}`)].join(),
    changing: isChanging(folder, now) || files.some(({ changing }) => changing),
    files,
  };
}

function numbersIn(path: string): readonly number[] {
  const names = unlessAbsent(() => readdirSync(path)) ?? [];
  return names
    .flatMap((name) => /^signature-([1-9][0-9]{0,2})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function statsOf(path: string): BigIntStats | undefined {
  return unlessAbsent(() => statSync(path, { bigint: true }));
}

/** A name that is too long for the file system is that of nothing. */
function unlessAbsent<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (["ENOENT", "ENAMETOOLONG"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}

function markOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}.${ino}.${size}.${mtimeNs}.${ctimeNs}`;
}

function isChanging({ mtimeNs }: BigIntStats, now: number): boolean {
  const step = mtimeNs % 1_000_000_000n === 0n ? coarseStepMs : fineStepMs;
  return Math.abs(now - Number(mtimeNs / 1_000_000n)) < step;
}
