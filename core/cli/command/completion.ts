import { EngineError } from "../../errors.ts";
import { completionCandidates } from "../candidates.ts";
import type { Command, Context, Input } from "../command.ts";

/** Scripts by shell; each asks `strata completion candidates -- WORDS…` for what fits. */
const scripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for strata: source <(strata completion bash)
_strata() {
  local line words=("\${COMP_WORDS[@]:1:COMP_CWORD}") word="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  # bash splits words at colons; they are put together again, and what stands before the last colon is cut from the answers.
  local joined=() part
  for part in "\${words[@]}"; do
    if [[ \${#joined[@]} -gt 0 && ( "$part" == ":"* || "\${joined[-1]}" == *":" ) ]]; then joined[-1]+="$part"; else joined+=("$part"); fi
  done
  local last="\${joined[-1]-}" cut=""
  [[ "$last" == *:* ]] && cut="\${last%"\${last##*:}"}"
  while IFS= read -r line; do
    [[ -n "$line" ]] && COMPREPLY+=("\${line#"$cut"}")
  done < <(strata completion candidates -- "\${joined[@]}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _strata strata
`,
  zsh: `#compdef strata
# zsh completion for strata: source <(strata completion zsh)
_strata() {
  local -a found
  found=("\${(@f)$(strata completion candidates -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _strata strata
`,
  fish: `# fish completion for strata: strata completion fish | source
function __strata_candidates
  set -l words (commandline -opc) (commandline -ct)
  set -l found (strata completion candidates -- $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path $words[-1]
  end
end
complete -c strata -f -a '(__strata_candidates)'
`,
};

/** `strata completion`. */
export const command: Command = {
  usage: "bash|zsh|fish",
  description: "Prints a script that completes commands, flags and image names.",
  flags: [],
  words: { min: 1, max: Infinity },
  complete: "none",
  examples: [["source <(strata completion bash)", "for this shell"]],
  async run(input: Input, context: Context): Promise<number> {
    const [shell = "", ...words] = input.words;
    if (shell === "candidates") {
      const candidates = await completionCandidates(words, context);
      context.terminal.out(candidates.map((candidate) => candidate + "\n").join(""));
      return 0;
    }
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (script === undefined || words.length > 0) {
      throw new EngineError(
        "INVALID_ARGUMENT",
        `Cannot write a completion script for "${input.words.join(" ")}": expected bash, zsh or fish`,
        {
          detail: { field: "shell", value: shell },
        },
      );
    }
    context.terminal.out(script);
    return 0;
  },
};
