import { flagsOf } from "./find-command.ts";
import { type Flag, standsAlone } from "./flags.ts";
import { describeFlag } from "./help.ts";
import { commandsOf } from "./specs/all.ts";
import { globalFlags } from "./specs/globals.ts";
import type { CommandSpec, ProgramName } from "./specs/spec.ts";

/** Candidates a line each, then `:` and the directive's number, as the shells' completion scripts expect them. */
export interface Completion {
  readonly text: string;
  /** The directive's name, for standard error. */
  readonly directive: string;
}

const NO_SPACE = 2;
const NO_FILES = 4;

const DIRECTIVES: Readonly<Record<number, string>> = {
  0: "ShellCompDirectiveDefault",
  4: "ShellCompDirectiveNoFileComp",
  6: "ShellCompDirectiveNoSpace, ShellCompDirectiveNoFileComp",
};

interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** Commands whose words are image names. */
const TAKES_IMAGES = new Set(["copy", "inspect", "delete", "layers", "info"]);

const TRANSPORTS: Readonly<Record<ProgramName, readonly string[]>> = {
  skopeo: [
    "containers-storage:",
    "dir:",
    "docker:",
    "docker-archive:",
    "docker-daemon:",
    "oci:",
    "oci-archive:",
    "sif:",
  ],
  amphora: ["dir:", "docker://", "oci:"],
};

/**
 * What may stand for the last of `words`, in the protocol of cobra's `__complete`, so that completion scripts made for
 * skopeo work too.
 */
export function completeWords(
  program: ProgramName,
  words: readonly string[],
  withDescriptions: boolean,
): Completion {
  const last = words.at(-1) ?? "";
  const { path, awaitsValue, hasWords } = follow(program, words.slice(0, -1));
  const { candidates, directive } =
    awaitsValue || /^--?[^=]+=/.test(last)
      ? { candidates: [], directive: 0 }
      : last.startsWith("-")
        ? { candidates: flagCandidates(program, path, last), directive: NO_FILES }
        : wordCandidates(program, path, last, hasWords);
  const lines = candidates.map(({ word, about }) =>
    withDescriptions && about !== "" ? `${word}\t${about}` : word,
  );
  return {
    text: [...lines, `:${directive}`, ""].join("\n"),
    directive: DIRECTIVES[directive] ?? "",
  };
}

interface Followed {
  readonly path: readonly CommandSpec[];
  /** The last word was a flag that takes the next one. */
  readonly awaitsValue: boolean;
  /** There are words already that are neither flags nor commands. */
  readonly hasWords: boolean;
}

/** The command that the words so far have come to. */
function follow(program: ProgramName, words: readonly string[]): Followed {
  const path: CommandSpec[] = [];
  let children = commandsOf(program);
  let awaitsValue = false;
  let hasWords = false;
  for (const word of words) {
    const isValue: boolean = awaitsValue;
    awaitsValue = !isValue && word.startsWith("-") && takesNext(program, path, word);
    if (isValue || word.startsWith("-")) continue;
    const next = hasWords ? undefined : children.find((spec) => spec.name === word);
    if (next) path.push(next);
    else hasWords = true;
    children = next?.name === "help" ? commandsOf(program) : (next?.children ?? []);
  }
  return { path, awaitsValue, hasWords };
}

function allFlags(program: ProgramName, path: readonly CommandSpec[]): readonly Flag[] {
  const { own, inherited } = flagsOf(program, path);
  return [...inherited, ...own];
}

function takesNext(program: ProgramName, path: readonly CommandSpec[], word: string): boolean {
  if (word.includes("=")) return false;
  const flag = allFlags(program, path).find(
    ({ name, short }) => word === `--${name}` || word === `-${short}`,
  );
  return flag !== undefined && !standsAlone(flag);
}

/** The program's flags first, then the command's; short names only where no long one is begun. */
function flagCandidates(
  program: ProgramName,
  path: readonly CommandSpec[],
  begun: string,
): readonly Candidate[] {
  const rank = ({ name }: Flag) =>
    path.length > 0 && globalFlags.some((each) => each.name === name) ? 0 : 1;
  return allFlags(program, path)
    .filter((flag) => !flag.hidden)
    .toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
    .flatMap((flag) => {
      const { name, short } = flag;
      const about = program === "skopeo" ? flag.usage : describeFlag(flag).usage;
      return [
        { word: `--${name}`, about },
        ...(short === undefined ? [] : [{ word: `-${short}`, about }]),
      ];
    })
    .filter(({ word }) => word.startsWith(begun));
}

function wordCandidates(
  program: ProgramName,
  path: readonly CommandSpec[],
  begun: string,
  hasWords: boolean,
): { readonly candidates: readonly Candidate[]; readonly directive: number } {
  const command = path.at(-1);
  const starts = ({ word }: Candidate) => word.startsWith(begun);
  if (command && TAKES_IMAGES.has(command.name)) {
    const candidates = TRANSPORTS[program].map((word) => ({ word, about: "" })).filter(starts);
    return { candidates, directive: NO_SPACE + NO_FILES };
  }
  const children = !command || path[0]?.name === "help" ? commandsOf(program) : command.children;
  if (!children || hasWords) return { candidates: [], directive: 0 };
  const candidates = children
    .filter((spec) => !spec.hidden)
    .map(({ name, short }) => ({ word: name, about: short }))
    .filter(starts)
    .toSorted((a, b) => (a.word < b.word ? -1 : 1));
  return { candidates, directive: NO_FILES };
}
