import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { fileErrorText, isAbsent } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import type { End, ResolvedImage } from "../parts.ts";
import { mostKept, type SourceImage, type SyncSource } from "./sources.ts";

/** When an image is told of. */
export interface CopyTurn {
  /** Among all of the run, from 0. */
  readonly number: number;
  /** Among the images of its source, from 1. */
  readonly position: number;
  readonly of: number;
}

/** One image, where it is and where it goes. */
export interface PlannedCopy extends CopyTurn {
  readonly from: ResolvedImage;
  /** As messages call them. */
  readonly shown: { readonly from: string; readonly to: string };
  /** What a transport reads as the destination. */
  readonly to: string;
  /** The same, where naming it took reading it. */
  readonly read: ResolvedImage | undefined;
  /** Where it is asked for again: one copy is enough. */
  readonly twins: readonly CopyTurn[];
}

/** Copies to make. Of however many there are, only the keys of the sources are kept, and what the first few are called. */
export interface CopyPlan {
  /** With those asked for again. */
  readonly count: number;
  /** Each with its twins, or each in its turn. */
  copies(which: "once" | "every"): AsyncGenerator<PlannedCopy, void, undefined>;
}

/** Where images go: skopeo's words. */
export interface DestinationWish {
  readonly transport: "docker" | "dir";
  readonly place: string;
  /** Names keep the whole name of the source. */
  readonly isScoped: boolean;
  readonly suffix: string;
}

/** What naming needs of a command. */
interface Naming extends Pick<CommandContext, "signal"> {
  /** Of the destination. */
  readonly end: End;
}

/**
 * Names every destination, and sees that it can be: before anything is copied, where skopeo looks at each in its turn.
 *
 * @throws {UsageError} `usage.bad-reference`; {CliError} `cli.exists`, `cli.conflict`, `cli.unwritable`
 */
export async function planCopies(
  sources: readonly SyncSource[],
  wish: DestinationWish,
  { end, signal }: Naming,
): Promise<CopyPlan> {
  const plan = new NamedCopies(sources, wish, { end, signal });
  await plan.check();
  return plan;
}

class NamedCopies implements CopyPlan {
  readonly count: number;
  readonly #sources: readonly SyncSource[];
  readonly #wish: DestinationWish;
  readonly #naming: Naming;
  /** By the number of the first, those that ask for the same again; and all of these. */
  readonly #twins = new Map<number, CopyTurn[]>();
  readonly #again = new Set<number>();
  readonly #kept = new Map<number, NamedCopy>();

  constructor(sources: readonly SyncSource[], wish: DestinationWish, naming: Naming) {
    this.#sources = sources;
    this.#wish = wish;
    this.#naming = naming;
    this.count = sources.reduce((sum, { keys }) => sum + keys.length, 0);
  }

  async check(): Promise<void> {
    const firsts = new Map<string, number>();
    for await (const { number, position, of, shown, to } of this.copies("every")) {
      if (this.#wish.transport === "dir") await refuseExisting(to.slice("dir:".length));
      const first = firsts.get(to);
      if (first === undefined) {
        firsts.set(to, number);
        continue;
      }
      refuseConflict(await this.#from(first), shown);
      this.#again.add(number);
      const twins = this.#twins.get(first) ?? [];
      this.#twins.set(first, [...twins, { number, position, of }]);
    }
  }

  async *copies(which: "once" | "every"): AsyncGenerator<PlannedCopy, void, undefined> {
    let number = 0;
    for (const { keys, image } of this.#sources) {
      for (const [index, key] of keys.entries()) {
        this.#naming.signal.throwIfAborted();
        const turn: CopyTurn = { number: number++, position: index + 1, of: keys.length };
        if (which === "once" && this.#again.has(turn.number)) continue;
        const named = await this.#named(turn.number, () => image(key));
        if (which === "once") this.#kept.delete(turn.number);
        yield { ...named, ...turn, twins: this.#twins.get(turn.number) ?? [] };
      }
    }
  }

  /** What a copy is made of, as it is shown; named anew, since few are asked for. */
  async #from(number: number): Promise<string> {
    let before = 0;
    for (const { keys, image } of this.#sources) {
      const key = keys[number - before];
      if (key !== undefined) return (await this.#named(number, () => image(key))).shown.from;
      before += keys.length;
    }
    throw new Error(`There is no copy ${number}`);
  }

  async #named(
    number: number,
    image: () => SourceImage | Promise<SourceImage>,
  ): Promise<NamedCopy> {
    const kept = this.#kept.get(number);
    if (kept) return kept;
    const named = await nameCopy(await image(), this.#wish, this.#naming);
    if (number < mostKept) this.#kept.set(number, named);
    return named;
  }
}

type NamedCopy = Pick<PlannedCopy, "from" | "shown" | "to" | "read">;

/** Where what is called `path` at the source goes. */
export function nameOf(path: string, { place, isScoped, suffix }: DestinationWish): string {
  return posix.join(place, isScoped ? path : posix.basename(path)) + suffix;
}

async function nameCopy(
  { image, path }: SourceImage,
  wish: DestinationWish,
  { end, signal }: Naming,
): Promise<NamedCopy> {
  const name = nameOf(path, wish);
  const from = formatImageReference(image.reference);
  if (wish.transport === "dir")
    return { from: image, shown: { from, to: `dir:${name}` }, to: `dir:${name}`, read: undefined };
  const read = await withPrefix(
    () =>
      `Cannot obtain a valid image reference for transport "docker" and reference ${goQuote(`//${name}`)}`,
    () => end.resolve(`docker://${name}`, "destination", { signal }),
  );
  const to = formatImageReference(read.reference);
  return { from: image, shown: { from, to }, to, read };
}

async function refuseExisting(folder: string): Promise<void> {
  try {
    await stat(folder);
  } catch (error) {
    if (isAbsent(error)) return;
    const why = fileErrorText(error, "stat", folder);
    throw new CliError("cli.unwritable", `Destination directory could not be used: ${why}`);
  }
  throw refusal(folder);
}

function refusal(folder: string): CliError {
  return new CliError(
    "cli.exists",
    `Refusing to overwrite destination directory ${goQuote(folder)}`,
    { hint: "Name another folder, or move that one away: folders are not brought up to date" },
  );
}

/** The same copy twice is one; two images for one place are a mistake that only the second would survive. */
function refuseConflict(first: string, { from, to }: PlannedCopy["shown"]): void {
  if (first === from) return;
  throw new UsageError("usage.bad-reference", `${first} and ${from} would both become ${to}`, {
    hint: "Pass --scoped, so that images keep their whole names",
  });
}
