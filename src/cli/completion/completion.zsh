#compdef resourcelock
# zsh completions of resourcelock, which itself tells what can stand where.

_resourcelock() {
  local -a answer
  answer=("${(@f)$(command resourcelock complete zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
  if [[ $answer[1] == command ]]; then
    # What stands behind -- is another command's line.
    integer separator=${words[(ie)--]}
    shift $separator words
    (( CURRENT -= separator ))
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
