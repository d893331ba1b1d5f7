import { UsageError } from "../core/errors.ts";
import { commandsOf } from "./specs/all.ts";
import type { ProgramName } from "./specs/spec.ts";

/** What is said where no command, or an unknown one, was given; near ones are named. */
export function noSuchCommand(program: ProgramName, word: string | undefined): UsageError {
  const help = `Try '${program} --help' for more information`;
  if (word === undefined)
    return new UsageError("usage.bad-flag", `Missing command '${program} COMMAND'\n${help}`);
  const near = suggestionsFor(program, word);
  const meant = near.length > 0 ? `\n\nDid you mean this?\n\t${near.join("\n\t")}\n` : "";
  return new UsageError(
    "usage.bad-flag",
    `Unrecognized command \`${program} ${word}\`${meant}\n${help}`,
  );
}

/** Commands that start with `word` or are at most two changes from it, case aside. */
export function suggestionsFor(program: ProgramName, word: string): readonly string[] {
  const typed = word.toLowerCase();
  return commandsOf(program)
    .filter((spec) => !spec.hidden && spec.name !== "help")
    .map((spec) => spec.name)
    .filter((name) => name.startsWith(typed) || editDistance(typed, name) <= 2);
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const change = (row[j] ?? 0) + Number(letter !== other);
      next.push(Math.min(change, (next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
