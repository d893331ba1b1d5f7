import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { RegistryError, type RegistryErrorCode } from "./errors.ts";
import { ListMemory } from "./list-memory.ts";
import { headManifest } from "./manifests.ts";
import { descriptorsOf, type ReferrerList, withEntries, withoutEntry } from "./referrer-list.ts";
import {
  deleteTaggedList,
  readTaggedList,
  type TaggedList,
  writeTaggedList,
} from "./referrers-tag.ts";
import type { RepositoryState } from "./repository-state.ts";
import { untilAborted } from "./until-aborted.ts";

const tries = 24;
const triesToKeepTurn = 5;
/** Who read before us and writes after us has this long to do so, and twice as long as we took ourselves. */
const shortestWaitMs = 150;
const longestWaitMs = 1000;
/** Lists of one repository of which it is known what stood in them. */
const mostLists = 100;

/** Gives the very same list where there is nothing to change. */
type Change = (list: ReferrerList) => ReferrerList;

interface WaitingChange {
  readonly change: Change;
  readonly signal: AbortSignal;
  readonly done: PromiseWithResolvers<void>;
}

/** One list under its fallback tag, as this process changes it: by turns, all that has waited meanwhile in one. */
export interface ChangedList {
  waiting: WaitingChange[];
  running: boolean;
  readonly memory: ListMemory;
}

/**
 * Adds a manifest to the fallback tag of its subject, for a registry that took no note of the subject. What others add
 * meanwhile stays: docs/decisions/0071.
 *
 * @throws {RegistryError} `registry.upload-failed` where others were faster each time, or the list would be too large;
 * `registry.bad-response` where something else stands under the tag
 */
export function addReferrer(
  state: RepositoryState,
  subject: Digest,
  entry: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  return changeList(state, subject, (list) => withEntries(list, [entry]), signal);
}

/**
 * Takes a manifest out of the fallback tag of its subject; the tag goes with its last entry.
 *
 * @throws as {@link addReferrer}
 */
export function removeReferrer(
  state: RepositoryState,
  subject: Digest,
  referrer: Digest,
  signal: AbortSignal,
): Promise<void> {
  return changeList(state, subject, (list) => withoutEntry(list, referrer), signal);
}

async function changeList(
  state: RepositoryState,
  subject: Digest,
  change: Change,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const list = changedList(state, subject);
  const done = Promise.withResolvers<void>();
  list.waiting.push({ change, signal, done });
  if (!list.running) void run(state, subject, list);
  await untilAborted(done.promise, signal);
}

function changedList({ contents }: RepositoryState, subject: Digest): ChangedList {
  const { changedLists } = contents;
  const found = changedLists.get(subject);
  const list = found ?? { waiting: [], running: false, memory: new ListMemory() };
  changedLists.delete(subject);
  changedLists.set(subject, list); // the one used last is the last to be forgotten
  for (const [oldest, { running }] of changedLists) {
    if (changedLists.size <= mostLists) break;
    if (!running && oldest !== subject) changedLists.delete(oldest);
  }
  return list;
}

async function run(state: RepositoryState, subject: Digest, list: ChangedList): Promise<void> {
  list.running = true;
  while (list.waiting.length > 0) {
    const batch = list.waiting.filter(({ signal }) => !signal.aborted);
    list.waiting = [];
    using called = untilAllAbort(batch);
    const change: Change = (before) => batch.reduce((each, { change }) => change(each), before);
    try {
      if (batch.length > 0) await inTurn(state, subject, { change, list, signal: called.signal });
      for (const { done } of batch) done.resolve();
    } catch (error) {
      for (const { done } of batch) done.reject(error);
    }
  }
  list.running = false;
}

/** Aborts when nobody of those who wait wants it any more. */
function untilAllAbort(batch: readonly WaitingChange[]): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => {
    const last = batch.find(({ signal }) => !signal.aborted);
    if (!last) controller.abort(batch[0]?.signal.reason);
  };
  for (const { signal } of batch) signal.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { signal } of batch) signal.removeEventListener("abort", abort);
    },
  };
}

interface Changing {
  readonly change: Change;
  readonly list: ChangedList;
  readonly signal: AbortSignal;
}

/** While nobody else who agrees on it changes the list; again, where the turn was lost on the way. */
async function inTurn(state: RepositoryState, subject: Digest, what: Changing): Promise<void> {
  const { exclusively } = state.channel.options;
  if (!exclusively) return await changeUntilItStays(state, subject, what, { alone: false });
  const key = `referrers ${state.name}@${subject}`;
  for (let attempt = 1; ; attempt++) {
    let lost: AbortSignal | undefined;
    try {
      return await exclusively(key, what.signal, async (turnLost) => {
        lost = turnLost;
        const signal = AbortSignal.any([what.signal, turnLost]);
        await changeUntilItStays(state, subject, { ...what, signal }, { alone: true });
      });
    } catch (error) {
      if (!lost?.aborted || what.signal.aborted || attempt >= triesToKeepTurn) throw error;
    }
  }
}

/**
 * Reads, changes and writes until the change stands there. The tag is moved only from what was read, where the registry
 * heeds that. Since most do not, it is read again once those have had time who read it before it was moved, and what was
 * lost to one of them meanwhile, our own entry or another's, is written again.
 *
 * @param turn.alone that no other writer is expected: then it is not waited for one
 */
async function changeUntilItStays(
  state: RepositoryState,
  subject: Digest,
  what: Changing,
  turn: { readonly alone: boolean },
): Promise<void> {
  const { clock, random } = state.channel.options;
  const { capabilities } = state;
  for (let attempt = 1; attempt <= tries; attempt++) {
    const started = clock.now();
    const outcome = await changeOnce(state, subject, what);
    if (outcome === "as-wanted") return;
    if (outcome === "written" && capabilities.heedsConditions) return;
    if (outcome === "changed") capabilities.heedsConditions = true;
    else if (turn.alone) continue;
    const took = clock.now() - started;
    const wait = Math.min(Math.max(2 * took, shortestWaitMs), longestWaitMs);
    const apart = attempt > 1 || outcome === "changed" ? random() * Math.min(attempt, 8) : 0; // writers in step would go on colliding
    await clock.sleep(outcome === "changed" ? (wait / 2) * apart : wait * (1 + apart), what.signal);
  }
  throw new RegistryError(
    "registry.upload-failed",
    `changing the list of referrers of ${subject} in ${state.name}: others changed it meanwhile, ${tries} times`,
    { retryable: true, hint: "Let fewer write at once, or have them share a coordinator" },
  );
}

async function changeOnce(
  state: RepositoryState,
  subject: Digest,
  { change, list: { memory }, signal }: Changing,
): Promise<"as-wanted" | "written" | "changed"> {
  const { clock } = state.channel.options;
  const found = await readTaggedList(state, subject, signal);
  const isThere = async (digest: Digest) =>
    (await headManifest(state, digest, { signal })).type === "held";
  const wanted = change(await memory.restored(found.list, clock.now(), isThere));
  let standing = wanted;
  if (wanted !== found.list) {
    try {
      standing = await writeWhatStands(state, subject, { list: wanted, found, isThere, signal });
    } catch (error) {
      if (hasCode(error, "registry.changed")) return "changed";
      throw error;
    }
  }
  memory.remember(standing, clock.now());
  return wanted === found.list ? "as-wanted" : "written";
}

/**
 * Some registries take no list that names what is not there, as distribution does: entries of what was deleted since, by
 * whomever, would keep out every later one. Gives what was written.
 */
async function writeWhatStands(
  state: RepositoryState,
  subject: Digest,
  { list, found, isThere, signal }: Writing & { isThere(digest: Digest): Promise<boolean> },
): Promise<ReferrerList> {
  try {
    await write(state, subject, { list, found, signal });
    return list;
  } catch (error) {
    if (!hasCode(error, "registry.content-missing")) throw error;
    const entries = descriptorsOf(found.list).map(({ digest }) => digest);
    const stands = await Promise.all(entries.map(isThere));
    const left = entries.filter((_, at) => !stands[at]).reduce(withoutEntry, list);
    if (left === list) throw error;
    await write(state, subject, { list: left, found, signal });
    return left;
  }
}

function hasCode(error: unknown, code: RegistryErrorCode): boolean {
  return error instanceof RegistryError && error.code === code;
}

interface Writing {
  readonly list: ReferrerList;
  /** What it takes the place of. */
  readonly found: TaggedList;
  readonly signal: AbortSignal;
}

async function write(
  state: RepositoryState,
  subject: Digest,
  { list, found, signal }: Writing,
): Promise<void> {
  if (list.manifests.length === 0 && (await deleteTaggedList(state, subject, signal))) return;
  await writeTaggedList(state, subject, list, found, signal);
}
