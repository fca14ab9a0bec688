"""
Takes and releases a lock COUNT times, and prints how many microseconds each took: by a session, or by the command flock.

usage: session.py session|flock PROGRAM LOCK FILE COUNT
"""
import subprocess
import sys
import time

side, program, lock, file, count = sys.argv[1:]

if side == "session":
    session = subprocess.Popen(
        [program, "session"], text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

    def section():
        for request in ("get -q", "unget -q"):
            print(request, lock, file=session.stdin)
            if not session.stdout.readline().startswith("0 "):
                sys.exit(1)

else:

    def section():
        subprocess.run(["flock", file, "true"], check=True)


section()
start = time.monotonic()
for _ in range(int(count)):
    section()
print((time.monotonic() - start) / int(count) * 1e6)
