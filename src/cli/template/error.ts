import { CliError } from "../errors.ts";

/** A template that does not parse, or fails on what it is given. The message is Go's. */
export class TemplateError extends CliError {
  /** What the template printed before it failed, which Go has written by then. */
  readonly printed: string;

  constructor(message: string, printed = "") {
    super("cli.bad-template", message, {
      hint: "Look at the fields there are with `inspect` without --format",
    });
    this.printed = printed;
  }
}
