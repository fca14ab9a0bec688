# A worker of storm.ts that is a script with get and unget: storm-script.sh LOCK DIRECTORY SECTIONS
# GET_FAULT and UNGET_FAULT are the fault points of the two.
. "${0%/*}/section.sh"
passed=0
while [ "$passed" -lt "$3" ]; do
  RESOURCELOCK_FAULT=$GET_FAULT "$RESOURCELOCK" get -q "$1" -t -1 --owner-pid $$ || exit
  section "$2"
  RESOURCELOCK_FAULT=$UNGET_FAULT "$RESOURCELOCK" unget -q "$1" || exit
  passed=$((passed + 1))
done
