import type { ProgramName } from "./specs/spec.ts";

/** The shells that a script can be made for. */
export type Shell = "bash" | "fish" | "powershell" | "zsh";

/** A shell's completion script: it asks the program itself, by `__complete`, what may follow. */
export function completionScript(
  shell: Shell,
  program: ProgramName,
  withDescriptions: boolean,
): string {
  const ask = withDescriptions ? "__complete" : "__completeNoDesc";
  return SCRIPTS[shell](program, ask);
}

const SCRIPTS: Readonly<Record<Shell, (program: ProgramName, ask: string) => string>> = {
  bash: bashScript,
  fish: fishScript,
  powershell: powershellScript,
  zsh: zshScript,
};

/** Bash splits words at `:`, which image names are full of: what it has of a word already is cut off the answers. */
function bashScript(program: ProgramName, ask: string): string {
  return `# bash completion for ${program}
_${program}_complete() {
    local line directive word before tab=$'\\t'
    local -a words answers
    read -ra words <<< "\${COMP_LINE:0:COMP_POINT}"
    [[ "\${COMP_LINE:0:COMP_POINT}" == *' ' ]] && words+=("")
    word="\${words[\${#words[@]}-1]}"
    COMPREPLY=()
    mapfile -t answers < <("\${words[0]}" ${ask} "\${words[@]:1}" 2>/dev/null)
    ((\${#answers[@]})) || return
    directive="\${answers[\${#answers[@]}-1]#:}"
    unset 'answers[\${#answers[@]}-1]'
    before="\${word%"\${word##*[=:]}"}"
    for line in "\${answers[@]}"; do
        line="\${line%%"$tab"*}"
        [[ "$line" == "$word"* ]] && COMPREPLY+=("\${line#"$before"}")
    done
    ((directive & 2)) && compopt -o nospace
    ((directive & 4)) || compopt -o default
}
complete -F _${program}_complete ${program}
`;
}

function zshScript(program: ProgramName, ask: string): string {
  return `#compdef ${program}
_${program}() {
    local directive line
    local -a answers candidates options
    answers=("\${(@f)$("\${(Q)words[1]}" ${ask} "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    directive="\${answers[-1]#:}"
    answers[-1]=()
    for line in "\${answers[@]}"; do
        candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    done
    ((directive & 2)) && options=(-S '')
    ((\${#candidates})) && _describe -V 'completions' candidates "\${options[@]}"
    ((directive & 4)) || _files
}
if [ "$funcstack[1]" = "_${program}" ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function fishScript(program: ProgramName, ask: string): string {
  return `# fish completion for ${program}
function __${program}_complete
    set -l words (commandline -opc)
    set -l answers ($words[1] ${ask} $words[2..-1] (commandline -ct) 2>/dev/null)
    test (count $answers) -gt 0; or return
    string match -qr '^:[46]$' -- $answers[-1]; or __fish_complete_path (commandline -ct)
    printf '%s\\n' $answers[1..-2]
end
complete -c ${program} -e
complete -c ${program} -f -a '(__${program}_complete)'
`;
}

function powershellScript(program: ProgramName, ask: string): string {
  return `# powershell completion for ${program}
Register-ArgumentCompleter -Native -CommandName '${program}' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
    $arguments = @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $arguments += '""' }
    $answers = @(& $words[0] ${ask} @arguments 2>$null)
    $answers | Select-Object -SkipLast 1 | ForEach-Object {
        $word, $about = $_ -split "\`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
}
`;
}
