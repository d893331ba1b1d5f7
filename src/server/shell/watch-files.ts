import { stat } from "node:fs/promises";

/** Looks at files from time to time until disposed of. */
export interface FileWatch extends Disposable {
  /** Looks now. */
  check(): Promise<void>;
}

/**
 * Calls `changed` after one of the files is another than it was. Times and inodes are compared, not notified of: files
 * that are links to folders that are swapped (Kubernetes' secrets) are seen through, on every file system.
 */
export function watchFiles(
  paths: readonly string[],
  changed: () => void | Promise<void>,
  { everyMs = 2000 }: { readonly everyMs?: number } = {},
): FileWatch {
  let known: string | undefined;
  const check = async () => {
    const seen = (await Promise.all(paths.map(signOf))).join();
    const isNew = known !== undefined && known !== seen;
    known = seen;
    if (isNew) await changed();
  };
  const timer = setInterval(() => void check(), everyMs);
  timer.unref();
  void check();
  return { check, [Symbol.dispose]: () => clearInterval(timer) };
}

async function signOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch {
    return "-";
  }
}
