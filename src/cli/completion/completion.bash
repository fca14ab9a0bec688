# bash completions of resourcelock, which itself tells what can stand where.

_resourcelock() {
  local answer separator
  COMPREPLY=()
  mapfile -t answer < <(
    command resourcelock complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null
  )
  if [[ ${answer[0]-} != command ]]; then
    COMPREPLY=("${answer[@]:1}")
    return
  fi
  # What stands behind -- is another command's line.
  for separator in "${!COMP_WORDS[@]}"; do
    [[ ${COMP_WORDS[separator]} == -- ]] && break
  done
  if declare -F _command_offset >/dev/null; then
    _command_offset $((separator + 1))
  elif ((COMP_CWORD == separator + 1)); then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -c -- "$2")
  else
    compopt -o default
  fi
}

complete -F _resourcelock resourcelock
