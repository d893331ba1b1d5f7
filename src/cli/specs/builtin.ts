import type { CommandSpec, ProgramName } from "./spec.ts";

/** `skopeo help`. */
export const helpSpec: CommandSpec = {
  name: "help",
  short: "Help about any command",
  long: (program) => `Help provides help for any command in the application.
Simply type ${program} help [path to command] for full details.`,
  use: "help [command] [flags]",
  flags: [],
  layout: "indented",
};

/** `amphora compat`. */
export const compatSpec: CommandSpec = {
  name: "compat",
  short: "Show how each of skopeo's commands and flags is answered",
  long: () =>
    "Print every command and flag of skopeo 1.22, and whether it does the same here, differs, or is missing.",
  use: "compat [command options]",
  flags: [
    {
      name: "json",
      type: "bool",
      usage: "print JSON, one object for each command or flag",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

const RELOAD = "You will need to start a new shell for this setup to take effect.";

function bashHelp(program: ProgramName): string {
  return `Generate the autocompletion script for the bash shell.

This script depends on the 'bash-completion' package.
If it is not installed already, you can install it via your OS's package manager.

To load completions in your current shell session:

\tsource <(${program} completion bash)

To load completions for every new session, execute once:

#### Linux:

\t${program} completion bash > /etc/bash_completion.d/${program}

#### macOS:

\t${program} completion bash > $(brew --prefix)/etc/bash_completion.d/${program}

${RELOAD}`;
}

function zshHelp(program: ProgramName): string {
  return `Generate the autocompletion script for the zsh shell.

If shell completion is not already enabled in your environment you will need
to enable it.  You can execute the following once:

\techo "autoload -U compinit; compinit" >> ~/.zshrc

To load completions in your current shell session:

\tsource <(${program} completion zsh)

To load completions for every new session, execute once:

#### Linux:

\t${program} completion zsh > "\${fpath[1]}/_${program}"

#### macOS:

\t${program} completion zsh > $(brew --prefix)/share/zsh/site-functions/_${program}

${RELOAD}`;
}

function fishHelp(program: ProgramName): string {
  return `Generate the autocompletion script for the fish shell.

To load completions in your current shell session:

\t${program} completion fish | source

To load completions for every new session, execute once:

\t${program} completion fish > ~/.config/fish/completions/${program}.fish

${RELOAD}`;
}

function powershellHelp(program: ProgramName): string {
  return `Generate the autocompletion script for powershell.

To load completions in your current shell session:

\t${program} completion powershell | Out-String | Invoke-Expression

To load completions for every new session, add the output of the above command
to your powershell profile.`;
}

function shellSpec(
  name: string,
  long: (program: ProgramName) => string,
  use = `completion ${name} [flags]`,
): CommandSpec {
  return {
    name,
    short: `Generate the autocompletion script for ${name}`,
    long,
    use,
    flags: [{ name: "no-descriptions", type: "bool", usage: "disable completion descriptions" }],
    layout: "indented",
  };
}

/** `skopeo completion` and the shells below it. */
export const completionSpec: CommandSpec = {
  name: "completion",
  short: "Generate the autocompletion script for the specified shell",
  long: (program) => `Generate the autocompletion script for ${program} for the specified shell.
See each sub-command's help for details on how to use the generated script.`,
  use: "completion",
  flags: [],
  hidden: true,
  layout: "indented",
  children: [
    shellSpec("bash", bashHelp, "completion bash"),
    shellSpec("fish", fishHelp),
    shellSpec("powershell", powershellHelp),
    shellSpec("zsh", zshHelp),
  ],
};
