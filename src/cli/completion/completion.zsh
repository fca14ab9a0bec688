#compdef resourcelock
# zsh completions of resourcelock, which itself tells what can stand where.

_resourcelock() {
  local -a answer
  answer=("${(@f)$(command resourcelock complete zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
  if [[ $answer[1] == command ]]; then
    # After so many words the line is another command's.
    integer count=$(( answer[2] + 1 ))
    shift $count words
    (( CURRENT -= count ))
    _normal
  else
    shift answer
    _describe resourcelock answer
  fi
}

if [[ $funcstack[1] == _resourcelock ]]; then
  # Loaded from a file of fpath, at its first use.
  _resourcelock "$@"
else
  compdef _resourcelock resourcelock
fi
