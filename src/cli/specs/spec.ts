import type { Flag } from "../flags.ts";

/** The name the program was called by: as "skopeo" it is skopeo 1.22 in every word. */
export type ProgramName = "amphora" | "skopeo";

/** What a command is called, takes and says of itself; what it does is in `commands/`. */
export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands. */
  readonly short: string;
  /** The help text's first paragraphs; `short` where absent. */
  readonly long?: (program: ProgramName) => string;
  /** What follows the program's name in the usage line. */
  readonly use: string;
  /** What follows the program's name in the examples, one a line. */
  readonly examples?: readonly string[];
  /** Another form, when not called as skopeo, and its examples. */
  readonly besides?: { readonly use: string; readonly examples: readonly string[] };
  readonly flags: readonly Flag[];
  /** Left out of the list of commands, and of suggestions. */
  readonly hidden?: true;
  /** A command that skopeo does not have: unknown when called by that name. */
  readonly ours?: true;
  /** Which of skopeo's two help layouts it has: the one of its own commands, or the one of cobra's built-in ones. */
  readonly layout: "plain" | "indented";
  /** Commands below this one, which itself only prints help. */
  readonly children?: readonly CommandSpec[];
}
