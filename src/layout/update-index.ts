import { type FolderLock, lockFolder } from "./folder-lock.ts";
import { formatLayoutIndex, type LayoutIndex } from "./index-file.ts";
import { indexPath, type LayoutPaths, readOrNewIndex } from "./layout-folder.ts";
import type { OwnProcess } from "./owner.ts";
import { replaceFile } from "./replace-file.ts";

/** Who changes a layout, and until when. */
export interface UpdateOptions {
  readonly self: OwnProcess;
  readonly signal: AbortSignal;
}

/** What becomes of index.json. */
export interface IndexChange {
  readonly index: LayoutIndex;
  /** What stands behind the JSON: skopeo's delete ends it with a newline, its copy does not. */
  readonly ending?: string;
  /** Runs when the new index.json is there, before anybody else can change it. */
  readonly after?: () => Promise<void>;
}

/** One who wants index.json changed, and waits for it. */
interface Update {
  readonly paths: LayoutPaths;
  readonly options: UpdateOptions;
  readonly change: (index: LayoutIndex) => Promise<IndexChange>;
  readonly done: PromiseWithResolvers<void>;
}

/** Those of this process that wait, by layout; while there are some, one writes for all. */
const waitingFor = new Map<string, Update[]>();

/**
 * Changes index.json in one step that no other writer's change gets lost in, and that no reader sees half of. `change`
 * runs under the lock. Changes that this process has ready at the same time are written together: a mirror into one
 * layout would write thousands of entries for each of its images.
 *
 * @throws {LayoutError} `layout.busy`, `layout.unwritable`, and what reading throws
 */
export async function updateLayoutIndex(
  paths: LayoutPaths,
  options: UpdateOptions,
  change: (index: LayoutIndex) => Promise<IndexChange>,
): Promise<void> {
  const { signal } = options;
  signal.throwIfAborted();
  const update = { paths, options, change, done: Promise.withResolvers<void>() };
  const path = indexPath(paths);
  const waiting = waitingFor.get(path) ?? [];
  const giveUp = () => {
    // The first waits for the lock by its signal, and hears when nothing of that is left.
    if (waiting.indexOf(update) > 0) leave(waiting, update, signal.reason);
  };
  signal.addEventListener("abort", giveUp);
  waiting.push(update);
  if (!waitingFor.has(path)) {
    waitingFor.set(path, waiting);
    void writeAll(path, waiting);
  }
  try {
    await update.done.promise;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function leave(waiting: Update[], update: Update, reason: unknown): void {
  const at = waiting.indexOf(update);
  if (at >= 0) waiting.splice(at, 1);
  update.done.reject(reason);
}

async function writeAll(path: string, waiting: Update[]): Promise<void> {
  for (let [first] = waiting; first; [first] = waiting) await writeSome(first, waiting);
  waitingFor.delete(path);
}

/** Takes the lock for the first, and writes what all want who wait by then. They hear of it when the lock is given back. */
async function writeSome(first: Update, waiting: Update[]): Promise<void> {
  let concerned: readonly Update[] = [...waiting];
  const refusals: (() => void)[] = [];
  try {
    await using lock = await lockFolder(first.paths.folder, first.options);
    const index = await readOrNewIndex(first.paths);
    const together = await changed(index, waiting, refusals);
    concerned = together.updates;
    if (concerned.length > 0) await write(first, together, lock);
    await together.after?.();
  } catch (error) {
    // Who is called off is so for itself alone: the others go on.
    if (error === first.options.signal.reason) concerned = [first];
    for (const update of concerned) leave(waiting, update, error);
  }
  for (const refuse of refusals) refuse();
  for (const { done } of concerned) done.resolve();
}

/** What some updates make of an index, one upon the other. */
interface Together extends IndexChange {
  readonly updates: readonly Update[];
}

/**
 * Takes from those who wait all that can be written at once: what runs after an update must not take away what another
 * needs that was let in meanwhile.
 */
async function changed(
  before: LayoutIndex,
  waiting: Update[],
  refusals: (() => void)[],
): Promise<Together> {
  const updates: Update[] = [];
  let change: IndexChange = { index: before };
  const all = waiting.splice(0);
  while (all.length > 0 && !change.after) {
    const update = all.shift() as Update;
    try {
      update.options.signal.throwIfAborted();
      change = await update.change(change.index);
      updates.push(update);
    } catch (error) {
      refusals.push(() => update.done.reject(error));
    }
  }
  waiting.unshift(...all);
  return { ...change, updates };
}

async function write(first: Update, { index, ending = "", updates }: Together, lock: FolderLock) {
  const bytes = Buffer.concat([formatLayoutIndex(index), Buffer.from(ending)]);
  const path = indexPath(first.paths);
  await replaceFile(path, bytes, first.options.self, () => lock.assertHeld());
  for (const { paths } of updates) paths.memory?.keep(path, bytes, index);
}
