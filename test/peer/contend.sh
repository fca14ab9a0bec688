#!/bin/sh
# Makes critical sections through the binary, as peer.py does in Python:
# contend.sh BINARY NAME SECTIONS COUNTER WITNESS
set -eu
binary=$1 name=$2 sections=$3
COUNTER=$4 WITNESS=$5
export COUNTER WITNESS

# Adds 1 to a number in a file; with -C, making the witness fails where it is there.
count_in_critical_section='
  set -eC
  : >"$WITNESS"
  read -r number <"$COUNTER"
  echo $((number + 1)) >|"$COUNTER"
  rm "$WITNESS"
'

echo ready
while [ "$sections" -gt 0 ]; do
  "$binary" run "$name" -q -m "section of shell $$" -- sh -c "$count_in_critical_section"
  sections=$((sections - 1))
done
