import { CliError } from "../errors.ts";

/** A template that does not parse, or fails on what it is given. The message is Go's. */
export class TemplateError extends CliError {
  constructor(message: string) {
    super("cli.bad-template", message, {
      hint: "Look at the fields there are with `inspect` without --format",
    });
  }
}
