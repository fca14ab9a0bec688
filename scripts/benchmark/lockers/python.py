"""The Python peer as a locker: python.py NAME [COMMAND...]. serve.ts tells what a locker does.

The lock is that of test/peer/peer.py: it does what the Python module does (sem_timedwait, the date and the
text into the info segment, sem_post), in ctypes.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../test/peer"))
from peer import resource_lock  # noqa: E402

now = time.monotonic_ns
name, command = sys.argv[1], sys.argv[2:]
lock = resource_lock(name)


def get():
    if not lock.get_lock(timeout=600, lock_info="bench.section #1"):
        raise TimeoutError("the lock was not granted in 600 seconds")


def unget():
    if not lock.unget_lock(where_called="bench"):
        raise RuntimeError("the lock was not locked")


def pairs(count):
    start = now()
    for _ in range(count):
        get()
        unget()
    return now() - start


def sections(count, hold, pause):
    lines = []
    for _ in range(count):
        asked = now()
        get()
        granted = now()
        time.sleep(hold / 1e6)
        released = now()
        unget()
        lines.append(f"{asked} {granted} {released}\n")
        time.sleep(pause / 1e6)
    return "".join(lines) + "done"


def contend(count, directory):
    witness = f"{directory}/witness"
    overlaps = 0
    for _ in range(count):
        get()
        try:
            os.close(os.open(witness, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            os.unlink(witness)
        except FileExistsError:
            overlaps += 1
        unget()
    return overlaps


def answer(verb, *words):
    if verb == "pairs":
        return pairs(int(words[0]))
    if verb == "sections":
        return sections(*map(int, words))
    if verb == "contend":
        return contend(int(words[0]), words[1])
    if verb == "get":
        get()
        return now()
    begun = now()
    unget()
    return begun


if command:
    import subprocess

    get()
    subprocess.run(command, check=True)
    unget()
else:
    for request in sys.stdin:
        print(answer(*request.split()), flush=True)
