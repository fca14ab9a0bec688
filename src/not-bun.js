/** What Node and others get of the library: an error that says what to do. */
// Without its names an import of one would be a SyntaxError before the error below.
const nothing = undefined;
export {
  nothing as EtcdLock,
  nothing as EtcdLockGuard,
  nothing as LockClosedError,
  nothing as LockCreateError,
  nothing as LockDamagedError,
  nothing as LockFullError,
  nothing as LockGuard,
  nothing as LockInfoError,
  nothing as LockLostError,
  nothing as LockNameError,
  nothing as LockNotFoundError,
  nothing as LockPermissionError,
  nothing as LockServerError,
  nothing as LockTimeoutError,
  nothing as PosixError,
  nothing as ResourceLock,
  nothing as ResourceLockError,
  nothing as watch,
  nothing as withLock,
};

throw new Error(
  "Cannot import resourcelock here: it needs Bun 1.4.5 or later, because it calls the C library by bun:ffi; " +
    "start the program with bun, or let it start the command resourcelock",
);
