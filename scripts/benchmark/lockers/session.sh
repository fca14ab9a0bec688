#!/usr/bin/env bash
# Takes and releases a lock COUNT times, and prints how many microseconds each took: by a session, or by flock.
# usage: session.sh session|flock PROGRAM LOCK FILE COUNT
side=$1 program=$2 lock=$3 file=$4 count=$5
microseconds() { echo "${EPOCHREALTIME/[.,]/}"; }

if [ "$side" = session ]; then
  coproc SESSION { "$program" session; }
  ask() {
    echo "$1" >&"${SESSION[1]}"
    read -r status _ <&"${SESSION[0]}"
    [ "$status" = 0 ] || exit 1
  }
  section() {
    ask "get -q $lock"
    ask "unget -q $lock"
  }
else
  exec 9>"$file"
  section() {
    flock 9
    flock -u 9
  }
fi

section
start=$(microseconds)
for ((pair = 0; pair < count; pair++)); do section; done
end=$(microseconds)
echo "$(((end - start) / count))"
