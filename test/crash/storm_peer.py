#!/usr/bin/env python3
"""A peer of storm.ts that knows no ledger and is not killed: section.sh tells how its section works.

    storm_peer.py LOCK DIRECTORY [TEXT...]    until there is DIRECTORY/end

With texts, it sets one of them in the section, or one with a date as a grant has it, and now and then one of them
while it does not have the lock.
"""

import datetime
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer"))
sys.dont_write_bytecode = True

from peer import resource_lock  # noqa: E402

PF_EXITING = 4


def fields_of(process):
    """What its stat file says from its state on; nothing where there is no such process."""
    try:
        with open(f"/proc/{process}/stat", encoding="latin-1") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def lives(process, start):
    fields = fields_of(process)
    if not fields or fields[0] in "ZX":
        return False
    return not int(fields[6]) & PF_EXITING and fields[19] == start


def violation(directory, what):
    with open(f"{directory}/violations", "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} (Python): {what}\n")
    sys.exit(99)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, number):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{number}\n")


def inherit(directory, witness):
    """Takes a dead process's witness away."""
    try:
        found = text_of(witness)
    except OSError:
        violation(directory, "two in the section: one of them left")
    if lives(*found.split()):
        violation(directory, f"two in the section: process {found.strip()}, too")
    dead = f"{directory}/dead-{os.getpid()}"
    try:
        os.rename(witness, dead)
    except OSError:
        violation(directory, "two heirs")
    if text_of(dead) != found:
        violation(directory, f"two in the section: process {text_of(dead).strip()} came in")


def section(directory, act=lambda: None):
    witness, mine = f"{directory}/witness", f"{directory}/of-{os.getpid()}"
    with open(mine, "w", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {fields_of(os.getpid())[19]}\n")
    inherited = False
    while True:
        try:
            os.link(mine, witness)
            break
        except FileExistsError:
            inherit(directory, witness)
            inherited = True
    one, other = text_of(f"{directory}/one"), text_of(f"{directory}/other")
    if not inherited and one != other:
        violation(directory, f"the files do not agree: {one!r} and {other!r}")
    number = max(int(one or 0), int(other or 0)) + 1
    write(f"{directory}/one", number)
    act()
    write(f"{directory}/other", number)
    try:
        os.unlink(witness)
    except OSError:
        violation(directory, "somebody took the witness")
    os.unlink(mine)


def set_text(lock, texts):
    if texts:
        dated = f"{datetime.datetime.now()} - half done"
        lock.set_lock_info(random.choice([*texts, dated]))
        # Longer than the grace time: a hold that looks like a dead one's is taken over by then.
        if random.random() < 0.04:
            time.sleep(1.4)


def main():
    name, directory, *texts = sys.argv[1:]
    lock = resource_lock(name)
    passed = 0
    while not os.path.exists(f"{directory}/end"):
        lock.get_lock(None, lock_info=f"section {passed} of Python {os.getpid()}")
        section(directory, lambda: set_text(lock, texts))
        if not lock.unget_lock():
            violation(directory, "the lock was not locked at the end of the section")
        passed += 1
        # A semaphore is not fair: without a pause who has just let go takes it again before anybody has woken up.
        time.sleep(random.random() * 0.03)
        # Short: the long one hides the date of a grant that somebody has made by force.
        if texts and random.random() < 0.05:
            lock.set_lock_info(texts[0])
    print(passed)


if __name__ == "__main__":
    main()
