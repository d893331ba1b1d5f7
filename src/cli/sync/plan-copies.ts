import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { fileErrorText, isAbsent } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import type { End, ResolvedImage } from "../parts.ts";
import type { SourceImage, SyncSource } from "./sources.ts";

/** One image, where it is and where it goes. */
export interface PlannedCopy {
  readonly from: ResolvedImage;
  /** As messages call them. */
  readonly shown: { readonly from: string; readonly to: string };
  /** What a transport reads as the destination. */
  readonly to: string;
  /** Among the images of its source, from 1. */
  readonly position: number;
  readonly of: number;
  /** The earlier one that is the same copy: one is enough. */
  readonly twin?: PlannedCopy;
}

/** Where images go: skopeo's words. */
export interface DestinationWish {
  readonly transport: "docker" | "dir";
  readonly place: string;
  /** Names keep the whole name of the source. */
  readonly isScoped: boolean;
  readonly suffix: string;
}

/**
 * Names every destination, and sees that it can be: before anything is copied, where skopeo looks at each in its turn.
 *
 * @throws {UsageError} `usage.bad-reference`; {CliError} `cli.exists`, `cli.conflict`, `cli.unwritable`
 */
export async function planCopies(
  sources: readonly SyncSource[],
  wish: DestinationWish,
  { end, signal }: { readonly end: End } & Pick<CommandContext, "signal">,
): Promise<readonly PlannedCopy[]> {
  const byPlace = new Map<string, PlannedCopy>();
  const planned: PlannedCopy[] = [];
  for (const { images } of sources) {
    for (const [index, image] of images.entries()) {
      signal.throwIfAborted();
      const named = await nameCopy(image, wish, { end, signal });
      const copy = { ...named, position: index + 1, of: images.length };
      const first = byPlace.get(copy.to);
      if (first === undefined) byPlace.set(copy.to, copy);
      else refuseConflict(first, copy);
      planned.push(first ? { ...copy, twin: first } : copy);
    }
  }
  return planned;
}

/** Where what is called `path` at the source goes. */
export function nameOf(path: string, { place, isScoped, suffix }: DestinationWish): string {
  return posix.join(place, isScoped ? path : posix.basename(path)) + suffix;
}

async function nameCopy(
  { image, path }: SourceImage,
  wish: DestinationWish,
  { end, signal }: { readonly end: End } & Pick<CommandContext, "signal">,
): Promise<Pick<PlannedCopy, "from" | "shown" | "to">> {
  const name = nameOf(path, wish);
  const from = formatImageReference(image.reference);
  if (wish.transport === "dir") {
    await refuseExisting(name);
    return { from: image, shown: { from, to: `dir:${name}` }, to: `dir:${name}` };
  }
  const { reference } = await withPrefix(
    () =>
      `Cannot obtain a valid image reference for transport "docker" and reference ${goQuote(`//${name}`)}`,
    () => end.resolve(`docker://${name}`, "destination", { signal }),
  );
  const to = formatImageReference(reference);
  return { from: image, shown: { from, to }, to };
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
function refuseConflict(first: PlannedCopy, second: PlannedCopy): void {
  if (first.shown.from === second.shown.from) return;
  throw new UsageError(
    "usage.bad-reference",
    `${first.shown.from} and ${second.shown.from} would both become ${first.shown.to}`,
    { hint: "Pass --scoped, so that images keep their whole names" },
  );
}
