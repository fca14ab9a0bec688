# The critical section of storm.ts for shells; section.ts and storm_peer.py are its twins. To be sourced.
#
#   section DIRECTORY    fails, and says so in DIRECTORY/violations, when it is not alone
#
# The witness is made by link(2), which is exclusive as O_EXCL is, and has its content at once: who is in
# the section, as process id and start time. Who finds that of a dead process is its heir and puts things right.

# Whether process $1 that was started at $2 lives: a process that is on its way out (PF_EXITING, 4) does
# not, as the kernel lets go of its locks before it becomes a zombie.
lives() {
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  start_wanted=$2
  # shellcheck disable=SC2086 # fields, from the third one on
  set -- ${stat##*) }
  case $1 in [ZX]) return 1 ;; esac
  [ $(($7 & 4)) -eq 0 ] && [ "${20}" = "$start_wanted" ]
}

own_start() {
  read -r stat <"/proc/$$/stat"
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  echo "${20}"
}

violation() {
  echo "$$: $1" >>"$directory/violations"
  exit 99
}

section() {
  directory=$1
  mine=$directory/of-$$
  echo "$$ $(own_start)" >"$mine"
  inherited=''
  until ln "$mine" "$directory/witness" 2>/dev/null; do
    { read -r id start <"$directory/witness"; } 2>/dev/null || violation "two in the section: one of them left"
    if lives "$id" "$start"; then violation "two in the section: process $id, too"; fi
    mv "$directory/witness" "$directory/dead-$$" 2>/dev/null || violation "two heirs"
    read -r moved _ <"$directory/dead-$$"
    [ "$moved" = "$id" ] || violation "two in the section: process $moved came in"
    inherited=yes
  done
  one=0 other=0
  read -r one <"$directory/one" || [ -n "$inherited" ] || violation "the first file is empty"
  read -r other <"$directory/other" || [ -n "$inherited" ] || violation "the second file is empty"
  if [ -n "$inherited" ]; then
    [ "${one:-0}" -ge "${other:-0}" ] || one=$other
  elif [ "$one" != "$other" ]; then
    violation "the files do not agree: $one and $other"
  fi
  one=$((one + 1))
  echo "$one" >"$directory/one"
  echo "$one" >"$directory/other"
  rm "$directory/witness" "$mine" || violation "somebody took the witness"
}
