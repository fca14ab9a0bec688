# bash completions of resourcelock, which itself tells what can stand where.

_resourcelock() {
  local answer index position=0
  COMPREPLY=()
  mapfile -t answer < <(
    command resourcelock complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null
  )
  if [[ ${answer[0]-} != command ]]; then
    COMPREPLY=("${answer[@]:1}")
    return
  fi
  # From that character on the line is another command's: find the word that begins there.
  for index in "${!COMP_WORDS[@]}"; do
    while [[ ${COMP_LINE:position:1} == [[:space:]] ]]; do ((position += 1)); done
    ((position >= answer[1])) && break
    ((position += ${#COMP_WORDS[index]}))
  done
  if declare -F _command_offset >/dev/null; then
    _command_offset "$index"
  elif ((COMP_CWORD == index)); then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -c -- "$2")
  else
    compopt -o default
  fi
}

complete -F _resourcelock resourcelock
