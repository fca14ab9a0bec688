# fish completions of resourcelock, which itself tells what can stand where.

function __resourcelock_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (command resourcelock complete fish -- $words[2..-1] "$current" 2>/dev/null)
    if test "$answer[1]" = command
        # After so many words the line is another command's.
        set -e words[1..(math $answer[2] + 1)]
        set -l line (string join ' ' -- (string escape -- $words) "$current")
        complete -C "$line"
    else
        set -e answer[1]
        string join \n -- $answer
    end
end

complete -c resourcelock -f -a '(__resourcelock_complete)'
