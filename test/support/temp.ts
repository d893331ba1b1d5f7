import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is gone when its scope ends. */
export interface TempFolder extends AsyncDisposable {
  readonly path: string;
  /** A path inside. */
  in(...names: readonly string[]): string;
}

/** `await using folder = await tempFolder()`. */
export async function tempFolder(): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), "amphora-test-"));
  return {
    path,
    in: (...names) => join(path, ...names),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
