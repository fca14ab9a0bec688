/** Variables of the environment that mean something to a C library, a JavaScript runtime or a terminal. */
import { expect, test } from "bun:test";
import { casesOf, newLockName } from "../support/binary.ts";
import { binary, runToEnd } from "../support/process.ts";

/** None of them changes what a job under a lock prints, nor how it ends. */
const variables: readonly (readonly [string, string])[] = [
  ["BASH_ENV", "/etc/shadow"],
  ["BUN_CONFIG_REGISTRY", "http://127.0.0.1:1"],
  ["BUN_CONFIG_VERBOSE_FETCH", "curl"],
  ["BUN_DEBUG", "/dev/shm/evil"],
  ["BUN_ENABLE_CRASH_REPORTING", "1"],
  ["BUN_FEATURE_FLAG_DISABLE_ASYNC_TRANSPILER", "1"],
  ["BUN_GARBAGE_COLLECTOR_LEVEL", "2"],
  ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", "."],
  ["CI", "true"],
  ["COLUMNS", "-1"],
  ["DEBUG", "*"],
  ["DISABLE_COLORS", "1"],
  ["ENV", "/etc/shadow"],
  ["GCONV_PATH", "."],
  ["GITHUB_ACTIONS", "true"],
  ["HOSTALIASES", "/etc/shadow"],
  ["HTTP_PROXY", "http://127.0.0.1:1"],
  ["LANG", "../../../../etc/shadow"],
  ["LC_ALL", "xx_XX.utf-99"],
  ["LINES", "0"],
  ["LOCPATH", "."],
  ["MALLOC_PERTURB_", "165"],
  ["MALLOC_TRACE", "/dev/shm/evil"],
  ["NLSPATH", "./%N"],
  ["NODE_DEBUG", "fs"],
  ["NODE_ENV", "production"],
  ["NODE_EXTRA_CA_CERTS", "/etc/shadow"],
  ["NODE_OPTIONS", "--inspect-brk --require ./evil.js"],
  ["NODE_PENDING_DEPRECATION", "1"],
  ["POSIXLY_CORRECT", "1"],
  ["RESOURCELOCK_HELD", "/:,=-1;x"],
  ["RESOURCELOCK_SLOT", "-1"],
  ["RESOURCELOCK_TOKEN", "18446744073709551616"],
  ["SHELL", "./evil"],
  ["SSL_CERT_FILE", "/etc/shadow"],
  ["TERM", "\u001b[31m"],
  ["TMPDIR", "/no/such/directory"],
  ["TZ", ":/etc/shadow"],
  ["UV_THREADPOOL_SIZE", "-1"],
];

test.each(casesOf(12, variables))(
  "run, state and unget are the same with %s=%j in the environment",
  async (variable, value) => {
    const env = { [variable]: value };
    const name = newLockName();
    const run = await runToEnd([binary, "run", name, "-n", "--", "echo", "ran"], { env });
    expect(run).toEqual({ status: 0, stdout: "ran\n", stderr: "" });
    const state = await runToEnd([binary, "state", name, "--check"], { env });
    expect(state).toMatchObject({ status: 0, stderr: "" });
    const unget = await runToEnd([binary, "unget", name, "-q"], { env });
    expect(unget).toEqual({ status: 1, stdout: "", stderr: "" });
  },
);
