#!/usr/bin/env python3
"""A peer of resourcelock, written from nothing but the table of a lock's objects.

It stands in for the Python module cjnfuncs.resourcelock, whose `resource_lock` it spells and does
alike, on the standard library alone. Of a lock NAME it uses

    semaphore /NAME     initial value 1, mode 0600; 0 is locked, 1 is free
    info segment /NAME  4096 bytes when new, else as it is found; UTF-8 text ended by NUL, mode 0600

and, as that module does, it maps the segment whole and knows no other object.

    peer.py [--size BYTES] NAME COMMAND [OPTIONS]

Exit status: 0 done; 1 no (not granted in time, nothing released); 2 wrong usage; 3 an error, which
stderr tells.
"""

import argparse
import ctypes
import datetime
import errno
import json
import mmap
import os
import sys
import time
import traceback


class Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


def _libc_function(name, result, *parameters):
    """A function of libc; glibc before 2.34 has these in librt and libpthread."""
    for library in ("libc.so.6", "librt.so.1", "libpthread.so.0"):
        try:
            function = getattr(ctypes.CDLL(library, use_errno=True), name)
        except (OSError, AttributeError):
            continue
        function.restype, function.argtypes = result, parameters
        return function
    raise OSError(f"this libc has no {name}")


_int, _uint, _text, _pointer = ctypes.c_int, ctypes.c_uint, ctypes.c_char_p, ctypes.c_void_p

sem_open = _libc_function("sem_open", _pointer, _text, _int, _uint, _uint)
sem_close = _libc_function("sem_close", _int, _pointer)
sem_wait = _libc_function("sem_wait", _int, _pointer)
sem_trywait = _libc_function("sem_trywait", _int, _pointer)
sem_timedwait = _libc_function("sem_timedwait", _int, _pointer, ctypes.POINTER(Timespec))
sem_post = _libc_function("sem_post", _int, _pointer)
sem_getvalue = _libc_function("sem_getvalue", _int, _pointer, ctypes.POINTER(_int))
shm_open = _libc_function("shm_open", _int, _text, _int, _uint)

MODE = 0o600
FREE = 1


def _failure(what):
    code = ctypes.get_errno()
    return OSError(code, f"{what}: {os.strerror(code)}")


class resource_lock:
    """The lock `lockname`; making it opens its objects, and creates those that are not there."""

    def __init__(self, lockname, shared_mem_size=4096):
        self.lockname = lockname[1:] if lockname.startswith("/") else lockname
        self.I_have_the_lock = False
        self.closed = False
        name = f"/{self.lockname}".encode()
        self._semaphore = sem_open(name, os.O_CREAT, MODE, FREE)
        if not self._semaphore:
            raise _failure("sem_open")
        self._memory = self._map(name, shared_mem_size)

    @staticmethod
    def _map(name, size):
        descriptor = shm_open(name, os.O_RDWR, MODE)
        created = descriptor == -1 and ctypes.get_errno() == errno.ENOENT
        if created:
            descriptor = shm_open(name, os.O_RDWR | os.O_CREAT, MODE)
        if descriptor == -1:
            raise _failure("shm_open")
        try:
            if created:
                os.ftruncate(descriptor, size)
            return mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)

    def get_lock(self, timeout=1.0, same_process_ok=False, lock_info=""):
        """Whether the lock was granted in `timeout` seconds; None waits for ever."""
        if same_process_ok and self.I_have_the_lock:
            return True
        if not self._wait(timeout):
            return False
        self.I_have_the_lock = True
        self.set_lock_info(f"{datetime.datetime.now()} - {lock_info}")
        return True

    def _wait(self, timeout):
        if timeout is None:
            wait, arguments = sem_wait, ()
        elif timeout <= 0:
            wait, arguments = sem_trywait, ()
        else:
            seconds, fraction = divmod(time.time() + timeout, 1)
            deadline = Timespec(int(seconds), int(fraction * 1e9))
            wait, arguments = sem_timedwait, (ctypes.byref(deadline),)
        while wait(self._semaphore, *arguments) != 0:
            code = ctypes.get_errno()
            if code in (errno.EAGAIN, errno.ETIMEDOUT):
                return False
            if code != errno.EINTR:
                raise _failure(wait.__name__)
        return True

    def unget_lock(self, force=False, where_called=""):
        """Releases the lock if it is locked, and by this object unless `force`; whether it did."""
        if self.lock_value() != 0:
            self.I_have_the_lock = False
            return False
        if not self.I_have_the_lock and not force:
            return False
        if sem_post(self._semaphore) != 0:
            raise _failure("sem_post")
        self.I_have_the_lock = False
        return True

    def is_locked(self):
        return self.lock_value() == 0

    def lock_value(self):
        value = _int()
        if sem_getvalue(self._semaphore, ctypes.byref(value)) != 0:
            raise _failure("sem_getvalue")
        return value.value

    def get_lock_info(self):
        return self._memory[:].split(b"\0", 1)[0].decode()

    def set_lock_info(self, text):
        """Writes the text and its NUL; a ValueError says that the segment has no room for them."""
        self._memory.seek(0)
        self._memory.write(text.encode() + b"\0")

    def close(self):
        if not self.closed:
            sem_close(self._semaphore)
            self._memory.close()
            self.closed = True


def say(line):
    print(line, flush=True)


def get(lock, arguments):
    return lock.get_lock(arguments.timeout, lock_info=arguments.info)


def unget(lock, arguments):
    return lock.unget_lock(force=arguments.force, where_called="peer")


def state(lock, _arguments):
    info = lock.get_lock_info()
    say(json.dumps({"locked": lock.is_locked(), "value": lock.lock_value(), "info": info}))
    return True


def set_info(lock, arguments):
    lock.set_lock_info(arguments.text)
    return True


def hold(lock, arguments):
    if not lock.get_lock(0, lock_info=arguments.info):
        say("waiting")
        lock.get_lock(None, lock_info=arguments.info)
    say("held")
    sys.stdin.readline()
    return lock.unget_lock()


def contend(lock, arguments):
    say("ready")
    for section in range(arguments.sections):
        lock.get_lock(None, lock_info=f"section {section} of Python {os.getpid()}")
        count_in_critical_section(arguments.counter, arguments.witness)
        if not lock.unget_lock():
            raise RuntimeError(f"the lock was not locked at the end of section {section}")
    return True


def count_in_critical_section(counter, witness):
    """Adds 1 to a number in a file; the witness says whether anybody else is doing so."""
    try:
        os.close(os.open(witness, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise RuntimeError("two processes are in the critical section") from None
    with open(counter, encoding="ascii") as file:
        number = int(file.read())
    with open(counter, "w", encoding="ascii") as file:
        file.write(f"{number + 1}\n")
    os.unlink(witness)


def seconds_or_none(text):
    return None if text == "none" else float(text)


def parse_arguments():
    parser = argparse.ArgumentParser(description="a Python peer of resourcelock")
    parser.add_argument("--size", type=int, default=4096, help="bytes of a segment that is new")
    parser.add_argument("name")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, function):
        subparser = commands.add_parser(name)
        subparser.set_defaults(function=function)
        return subparser.add_argument

    option = command("get", get)
    option("--timeout", type=seconds_or_none, default=1.0, help="seconds, or none: for ever")
    option("--info", default="")
    option = command("unget", unget)
    option("--force", action="store_true")
    command("state", state)
    option = command("set-info", set_info)
    option("text")
    option = command("hold", hold)
    option("--info", default="")
    option = command("contend", contend)
    option("--sections", type=int, required=True)
    option("--counter", required=True)
    option("--witness", required=True)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    try:
        lock = resource_lock(arguments.name, arguments.size)
        done = arguments.function(lock, arguments)
        lock.close()
    except Exception:
        traceback.print_exc()
        return 3
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
