import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildWhereStale, testBinary } from "../../crash/build.ts";
import { shellContender } from "../../peer/peer-processes.ts";
import {
  bash,
  haveTools,
  isWhole,
  newLockName,
  resourcelock,
  startCommand,
  startScript,
} from "../../support/binary.ts";
import { binary, start, untilStates } from "../../support/process.ts";
import { newDirectory } from "../../support/directory.ts";
import {
  directAndWrapped,
  heldText,
  maskTimes,
  masked,
  newHeldLock,
  objectsOf,
  printed,
  semaphoreValue,
  untilWaiting,
  waitText,
  jsonLines,
} from "./scenario.ts";
import { eventually } from "../../support/eventually.ts";

const isRoot = process.getuid?.() === 0;

/** A command that says that it runs, and ends with its standard input. */
const untilInputEnds = ["sh", "-c", "echo runs; read -r line; echo ends"];

test("run holds the lock while the command runs, and releases it then", async () => {
  const name = newLockName();
  const inside = '"$RESOURCELOCK" state "$RESOURCELOCK_NAME" --check || echo "locked $?"';
  expect(await resourcelock("run", name, "--", "sh", "-c", inside)).toEqual(printed("locked 1\n"));
  expect(semaphoreValue(name)).toBe(1);
});

test.each([
  ["exit 0", 0],
  ["exit 7", 7],
  ["exit 75", 75],
  ["exit 255", 255],
  ["kill -TERM $$", 143],
  ["kill -KILL $$", 137],
  ["kill -INT $$", 130],
])("run passes on how `%s` ends, as a status", async (script, status) => {
  const name = newLockName();
  const run = startCommand("run", name, "--", "bash", "-c", script);
  expect(await run.end()).toEqual(printed("", status));
  expect(run.endedBy).toBeNull();
  expect(semaphoreValue(name)).toBe(1);
});

test("run of a command that does not exist ends with 127 and releases the lock", async () => {
  const name = newLockName();
  expect(await resourcelock("run", name, "--", "no-such-command", "x")).toEqual({
    status: 127,
    stdout: "",
    stderr: 'resourcelock: command not found: "no-such-command"\n',
  });
  expect(semaphoreValue(name)).toBe(1);
  expect(await jsonLines("history", name)).toMatchObject([{ ending: "released", exitStatus: 127 }]);
  expect((await resourcelock("run", name, "/")).status).toBe(126);
  expect(await jsonLines("history", name)).toMatchObject([{}, { exitStatus: 126 }]);
});

test.each([
  ["-n echo no-such-command", '; "echo" was taken as the name of the lock'],
  ["NAME -t 5 min true", "; to wait for that long, write -t 5min"],
  ["NAME min", ""],
])("run %s tells what it took for the command, and what may have been meant", async (...row) => {
  const [line, hint] = row;
  const words = line.replace("NAME", newLockName()).split(" ");
  const { status, stderr } = await resourcelock("run", ...words);
  expect(status).toBe(127);
  expect(stderr).toEndWith(`"${hint}\n`);
  await resourcelock("remove", "-q", "echo");
});

test.each([
  [
    "#!/bin/sh\r\necho run\r\n",
    `its lines end as on Windows, so "/bin/sh\\r" is not found; convert it: sed -i 's/\\r$//' FILE`,
  ],
  ["#! /no/such/shell -e\necho run\n", 'its interpreter "/no/such/shell" was not found'],
])("run of a script that begins with %j says what was not found", async (script, fault) => {
  const path = join(newDirectory(), "job");
  writeFileSync(path, script, { mode: 0o755 });
  for (const options of [[], ["--no-fork"]]) {
    expect(await resourcelock("run", newLockName(), ...options, "--", path)).toEqual({
      status: 127,
      stdout: "",
      stderr: `resourcelock: Cannot run "${path}": ${fault}\n`,
    });
  }
});

test("run of a file that cannot be executed ends with 126 and releases the lock", async () => {
  const name = newLockName();
  const directory = newDirectory();
  const file = join(directory, "file");
  writeFileSync(file, "echo never\n", { mode: 0o644 });
  for (const command of [file, directory]) {
    expect(await resourcelock("run", name, "--", command)).toEqual({
      status: 126,
      stdout: "",
      stderr: `resourcelock: Cannot run "${command}": Permission denied\n`,
    });
    expect(semaphoreValue(name)).toBe(1);
  }
});

test.each([
  ["-n", 75],
  ["-t 0", 75],
  ["-t 50ms", 75],
  ["-n -E 3", 3],
  ["-n -E 0", 0],
])(
  "run %s of a lock that stays locked does not run the command and ends with %d",
  async (words, status) => {
    const name = await newHeldLock();
    const outcome = await masked("run", name, ...words.split(" "), "--", "echo", "never");
    const waits = words.includes("50ms");
    const told = waits ? "gave up after TIME" : "not free";
    // Where a machine takes longer than that for the first look, there is no wait to tell of.
    const stderr = outcome.stderr.replace(waits ? waitText(name) : "", "");
    expect({ ...outcome, stderr }).toEqual({
      status,
      stdout: "",
      stderr: `resourcelock: lock "${name}": ${told}; ${heldText()}\n`,
    });
    expect(semaphoreValue(name)).toBe(0);
  },
);

test("run -q says nothing of a lock that was not granted", async () => {
  const name = await newHeldLock();
  expect(await masked("run", name, "-q", "-n", "--", "true")).toEqual(printed("", 75));
});

test.each([
  ["/bin/bash", "-c 'echo \"$BASH_VERSION\"'", /^\d+\.\d+/],
  ["/bin/echo", "-c 'a  b; c'", /^-c a {2}b; c\n$/],
  ["/bin/echo", "--command='a  b; c'", /^-c a {2}b; c\n$/],
  ["", "-c 'echo \"$0\"'", /^\/bin\/sh\n$/],
])("with SHELL=%s, run %s runs it by that shell", async (shell, words, stdout) => {
  const outcome = await bash(`SHELL=${shell} resourcelock run ${newLockName()} ${words}`);
  expect(outcome).toEqual({ status: 0, stdout: expect.stringMatching(stdout), stderr: "" });
});

test.each([
  [["--", "true", "one", "two three"], "true one two three"],
  [["-c", "true  'a  b'"], "true  'a  b'"],
  [["-m", "why", "--", "true"], "why"],
  [["--message=", "--", "true"], ""],
  [["--", "true", "ü\u001B"], "true ü\\x1b"],
])("run %j writes its info text", async (words, message) => {
  const name = newLockName();
  expect(await resourcelock("run", name, ...words)).toEqual(printed(""));
  const { stdout } = await masked(name, "state");
  expect(stdout).toEndWith(` <DATE - ${message}>\n`);
});

test("a long command is cut in the info text", async () => {
  const name = newLockName();
  expect(await resourcelock("run", name, "--", "true", "x".repeat(10_000))).toEqual(printed(""));
  const { stdout } = await masked(name, "state");
  expect(stdout).toEndWith(` - true ${"x".repeat(195)}…>\n`);
});

test.each([
  "run NAME -m why -- printf [%s] -h --help -V -n -t",
  "-m why run NAME -- printf [%s] -h --help -V -n -t",
  "NAME run -m why -- printf [%s] -h --help -V -n -t",
  "NAME -mwhy run -- printf [%s] -h --help -V -n -t",
])("%s is understood, and what is behind -- is the command's", async (words) => {
  const name = newLockName();
  const outcome = printed("[-h][--help][-V][-n][-t]");
  expect(await resourcelock(...words.replace("NAME", name).split(" "))).toEqual(outcome);
});

test("a -- of the command's own reaches it", async () => {
  const words = ["--", "printf", "[%s]", "--", "-x"];
  expect(await resourcelock("run", newLockName(), ...words)).toEqual(printed("[--][-x]"));
});

test("run -v tells on stderr what it does", async () => {
  const name = newLockName();
  const { stdout, stderr } = await masked("run", name, "-v", "--", "echo", "out");
  expect(stdout).toBe("out\n");
  expect(stderr).toContain(
    `resourcelock: debug: <${name}> lock request successful - Granted         <DATE - echo out>\n`,
  );
  expect(stderr).toEndWith(`resourcelock: debug: <${name}> lock released  <run>\n`);
});

test("run with nothing to run is wrong usage and makes nothing", async () => {
  const name = newLockName();
  for (const words of [[], ["--"], ["-q"], ["-c", "true", "--", "true"]]) {
    expect((await resourcelock("run", name, ...words)).status).toBe(64);
  }
  expect(objectsOf(name)).toEqual([]);
});

describe("without a -- the command of run begins at the first word after NAME that is no option:", () => {
  test.each([
    ["run NAME echo -h --version -n", "-h --version -n"],
    ["run -q NAME -t 5 echo -t", "-t"],
    ["NAME run -n echo run get", "run get"],
    ["run NAME echo a -- b", "a -- b"],
    ["run NAME -- echo -- b", "-- b"],
    ["run NAME -- -- b", undefined],
  ])("%s", async (line, expected) => {
    const name = newLockName();
    const words = line.split(" ").map((word) => (word === "NAME" ? name : word));
    const { status, stdout } = await resourcelock(...words);
    expect({ status, stdout }).toEqual(
      expected === undefined ? { status: 127, stdout: "" } : { status: 0, stdout: `${expected}\n` },
    );
  });

  test("run NAME grep -h searches and prints no help", async () => {
    const { status, stdout } = await bash(
      `printf 'foo\nbar\n' | resourcelock run ${newLockName()} grep -h foo -`,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "foo\n" });
  });
});

describe("the command does not notice that it is wrapped:", () => {
  test("its environment is the caller's, byte by byte, and the grant's name and token", async () => {
    const name = newLockName();
    const directory = newDirectory();
    await bash(`
      cd ${directory}
      environment=(PATH="$PATH" EMPTY= SPACES='a  b' LINES=$'a\\nb' EQUALS==x= 'odd name=1'
        LATIN=$'\\xe4\\xff' $'\\xfc=y' RESOURCELOCK_NAMES=mine LD_LIBRARY_PATH= NODE_OPTIONS=
        BUN_OPTIONS= BUN_INSTALL= RESOURCELOCK_NAME=outer RESOURCELOCK_TOKEN=7
        RESOURCELOCK_HELD=/outer:7)
      env -i "\${environment[@]}" env -uRESOURCELOCK_{NAME,TOKEN,HELD} -0 >direct
      env -i "\${environment[@]}" "$RESOURCELOCK" run /${name} -- env -0 >wrapped
    `);
    const read = (file: string) => readFileSync(join(directory, file), "latin1");
    expect(read("direct")).toContain("LATIN=\xE4\xFF\0\xFC=y\0");
    const token = /RESOURCELOCK_TOKEN=(\d+)\0/.exec(read("wrapped"))?.[1];
    expect(read("wrapped")).toBe(
      `${read("direct")}RESOURCELOCK_NAME=${name}\0RESOURCELOCK_TOKEN=${token}\0` +
        `RESOURCELOCK_HELD=/outer:7/${name}:${token}\0`,
    );
  });

  test("its arguments are what was given, byte by byte", async () => {
    const { direct, wrapped } = await directAndWrapped(
      "bytes=$'\\xe4\\xff'",
      `bash -c 'printf "[%s]" "$@" | od -An -tx1' sh "$bytes" '' 'a  b' $'\\n' ü "-$bytes"`,
    );
    expect(direct.stdout).toContain("5b e4 ff 5d 5b 5d");
    expect(wrapped).toEqual(direct);
  });

  test("the string of -c is what was given, byte by byte", async () => {
    const { stdout } = await bash(
      `resourcelock run ${newLockName()} -c $'printf "[%s]" "ü \\xe4\\xff" | od -An -tx1'`,
    );
    expect(stdout).toBe(" 5b c3 bc 20 e4 ff 5d\n");
  });

  test.each([
    String.raw`-m $'printf \xfe' -c $'printf \xff'`,
    String.raw`-qc$'printf \xff' -m $'-qc\xfe'`,
    String.raw`--command=$'printf \xff' -E 3`,
    String.raw`-m $'printf \xfe' $'-c=printf \xff'`,
  ])("a line for the shell is found by its place and not by its looks: %s", async (words) => {
    const { stdout } = await bash(`resourcelock run ${newLockName()} ${words} | od -An -tx1`);
    expect(stdout).toBe(" ff\n");
  });

  test("its name need not be UTF-8", async () => {
    const { stdout } = await bash(`
      cd ${newDirectory()}
      file=$'./\\xe4'
      printf '#!/bin/sh\\necho here "$@"\\n' >"$file"
      chmod +x "$file"
      resourcelock run ${newLockName()} -- "$file" 1 2
    `);
    expect(stdout).toBe("here 1 2\n");
  });

  test.each([
    ["diff <(echo a) <(echo b)", "< a"],
    ["sh -c 'cat <&9' 9<<<nine", "nine"],
    ["bash -c 'echo twelve >&12' 12>&1", "twelve"],
    ["bash -c 'cat <&99' 99<<<ninety-nine", "ninety-nine"],
    ["sh -c 'grep -h flags /proc/self/fdinfo/[012]'", "flags"],
    ["sh -c 'echo to closed; echo >&2 status $?' >&-", ""],
  ])("%s", async (command, part) => {
    const { direct, wrapped } = await directAndWrapped("", command);
    expect(direct.stdout).toContain(part);
    expect(wrapped).toEqual(direct);
  });

  test.each([
    ["", "5</dev/null 200>/dev/null", " 200 ", 64],
    ["", "64</dev/null 66</dev/null", " 64 66", 65],
    ["", "<&-", "1 2", 64],
    ["", "2>&-", "0 1", 64],
    ["ulimit -Sn 50", "", "0 1 2", 64],
  ] as const)(
    "its descriptors are the caller's, and one that keeps the lock for it, unless --close: %s %s",
    async (setup, redirections, part, keeper) => {
      const list = `bash -c 'cd /proc/self/fd && echo *' ${redirections}`;
      const { direct, wrapped } = await directAndWrapped(setup, list);
      expect(direct.stdout).toContain(part);
      const descriptors = [...direct.stdout.trimEnd().split(" "), String(keeper)].toSorted();
      expect(wrapped).toEqual({ ...direct, stdout: `${descriptors.join(" ")}\n` });
      const closed = await directAndWrapped(setup, list, ["--close"]);
      expect(closed.wrapped).toEqual(direct);
    },
  );

  test.skipIf(!haveTools("python3"))("descriptors like those of Bun's own", async () => {
    const python = `import ctypes, os, sys
libc = ctypes.CDLL(None)
os.dup2(libc.eventfd(7, 0), 20)
os.dup2(libc.inotify_init(), 21)
os.closerange(3, 20)
os.execvp(sys.argv[1], sys.argv[1:])`;
    const list = "bash -c 'cd /proc/self/fd; ls -l {3..30} 2>&1 | grep -o anon.*; echo *'";
    const inPython = `python3 -I -S -c '${python}'`;
    const direct = await bash(`${inPython} ${list}`);
    const wrapped = await bash(`${inPython} "$RESOURCELOCK" run ${newLockName()} -o -- ${list}`);
    expect(direct.stdout).toContain("anon_inode:[eventfd]\nanon_inode:inotify\n");
    expect(wrapped).toEqual(direct);
  });

  test("standard input passes through, and a wait does not read of it", async () => {
    const name = await newHeldLock();
    const run = startScript(
      `{ printf first; cat; } | "$RESOURCELOCK" run ${name} -q -- sh -c 'head -c 5; echo; wc -c'`,
    );
    await run.tell("x".repeat(10_000));
    await untilWaiting(name);
    await resourcelock("unget", name);
    await run.stdout.until("first");
    await run.tell("x".repeat(10_000));
    await run.endInput();
    expect(await run.end()).toMatchObject(printed("first\n20000\n"));
  });

  const masks = "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status";

  test.each([
    "INT",
    "TERM",
    "HUP",
    "QUIT",
    "INT QUIT",
    "HUP INT QUIT TERM",
    "USR1 USR2 ALRM WINCH TSTP TTIN TTOU CONT URG IO VTALRM PROF RTMIN RTMAX",
    "",
  ])("signals that are ignored stay so, and others do not: %s", async (signals) => {
    const { direct, wrapped } = await directAndWrapped(`trap '' ${signals}`, masks);
    expect(direct.stdout).toContain("SigIgn");
    expect(wrapped).toEqual(direct);
  });

  test("SIGPIPE ends it", async () => {
    const { direct, wrapped } = await directAndWrapped("set -o pipefail", "yes | head -n 1");
    expect(direct).toEqual(printed("y\n", 141));
    expect(wrapped).toEqual(direct);
  });

  test("nohup lets it outlive a hangup of run and command", async () => {
    const name = newLockName();
    const script = 'echo runs; kill -HUP $PPID $$; "$RESOURCELOCK" state $0 --check || echo locked';
    const outcome = await bash(
      `nohup "$RESOURCELOCK" run ${name} -- sh -c '${script}' ${name} 2>nohup.err`,
      { cwd: newDirectory() },
    );
    expect(outcome).toEqual(printed("runs\nlocked\n"));
  });

  test.each(["--block-signal=CHLD", "--block-signal=HUP,TERM"])(
    "`env %s` in front of run is as good as in front of it",
    async (option) => {
      const run = `"$RESOURCELOCK" run ${newLockName()} --`;
      const wrapped = await bash(`env ${option} ${run} ${masks}`);
      expect(wrapped).toEqual(await bash(`env ${option} ${masks}`));
    },
  );

  test("its end is seen where the caller ignores SIGCHLD", async () => {
    // On one processor it likes to have ended before run has looked at it.
    const run = `taskset -c 0 env --ignore-signal=CHLD "$RESOURCELOCK" run ${newLockName()} -- true`;
    expect(await bash(`for i in {1..30}; do ${run} || exit; done`)).toEqual(printed(""));
  });

  test.each([
    "ulimit -Sn 200",
    "ulimit -Sn 200; ulimit -Hn 300",
    "ulimit -n 250",
    "ulimit -c 0",
    "",
  ])("its limits are the caller's: %s", async (setup) => {
    const { direct, wrapped } = await directAndWrapped(setup, "cat /proc/self/limits");
    expect(direct.stdout).toContain("Max open files");
    expect(wrapped).toEqual(direct);
  });

  test("its process group, priority, umask and the like are the caller's", async () => {
    const fields = "Umask|Groups|Cap.*|NoNewPrivs|Seccomp|THP_enabled|Cpus_allowed|Mems_allowed";
    const { direct, wrapped } = await directAndWrapped(
      "umask 027",
      `sh -c 'grep -E "^(${fields}):" /proc/self/status; ps -o ni= -o cls= $$
        cd /proc/self; cat timerslack_ns oom_score_adj personality cgroup 2>&1
        [ "$(ps -o pgid= $$)" = "$(ps -o pgid= $PPID)" ] && echo one group'`,
    );
    expect(direct.stdout).toContain("0027");
    expect(direct.stdout).toEndWith("one group\n");
    expect(wrapped).toEqual(direct);
  });

  test.each(["./a-script", "a-script", "$PWD/a-script"])(
    "%s, without a #!, is run by a shell",
    async (command) => {
      const { direct, wrapped } = await directAndWrapped(
        `cd ${newDirectory()}; PATH=$PWD:$PATH
        echo 'echo "$0 [$1] [$2]"; exit 4' >a-script; chmod +x a-script`,
        `${command} 'a  b' ''`,
      );
      expect(direct.stdout).toEndWith("a-script [a  b] []\n");
      expect(wrapped).toEqual(direct);
    },
  );

  test("a make under it takes part in the jobserver of the make above", async () => {
    const directory = newDirectory();
    writeFileSync(
      join(directory, "outer.mk"),
      `all: one two\none two:\n\t+@"$(RESOURCELOCK)" run -q $(LOCK) -- $(MAKE) -f inner.mk $@\n`,
    );
    writeFileSync(join(directory, "inner.mk"), `one two:\n\t@echo "$@: $(MAKEFLAGS)"\n`);
    const { status, stdout, stderr } = await bash("make -j2 -f outer.mk", {
      cwd: directory,
      env: { LOCK: newLockName(), MAKEFLAGS: "--no-print-directory" },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const jobserver = /^(one|two): .*--jobserver/;
    const [first = "", ...lines] = stdout.split("\n").toSorted();
    expect([first, ...lines.map((line) => jobserver.exec(line)?.[1])]).toEqual(["", "one", "two"]);
  });
});

describe("signals sent to run", () => {
  /**
   * A program that says which signals it gets, and goes on until it is told to stop. Not a shell's `trap`: a
   * signal that comes just before the shell waits for input would be seen after that.
   */
  const script = `
    for (const name of ["INT", "TERM", "HUP", "QUIT"]) {
      process.on("SIG" + name, () => console.log("got " + name));
    }
    process.stdin.on("data", (text) => String(text) === "stop\\n" && process.exit(5));
    process.stdin.on("end", () => process.exit(6));
    console.log("runs");
  `;
  const signalTeller = [process.execPath, "-e", script];

  test.each(["SIGTERM", "SIGHUP", "SIGQUIT"] as const)(
    "%s goes on to the command, and the lock is released when that has ended",
    async (signal) => {
      const name = newLockName();
      const run = startCommand("run", name, "--", ...signalTeller);
      await run.stdout.until("runs");
      for (const times of [1, 2]) {
        run.signal(signal);
        await run.stdout.until(`got ${signal.slice(3)}\n`.repeat(times));
        expect(semaphoreValue(name)).toBe(0);
      }
      await run.tell("stop\n");
      const got = `got ${signal.slice(3)}\n`;
      expect(await run.end()).toEqual(printed(`runs\n${got}${got}`, 5));
      expect(run.endedBy).toBeNull();
      expect(semaphoreValue(name)).toBe(1);
    },
  );

  test("TERM ends a command that does not mind it, and run says so by its status", async () => {
    const name = newLockName();
    const run = startCommand("run", name, "--", ...untilInputEnds);
    await run.stdout.until("runs");
    run.signal("SIGTERM");
    expect(await run.end()).toEqual(printed("runs\n", 143));
    expect(run.endedBy).toBeNull();
    expect(semaphoreValue(name)).toBe(1);
  });

  test("INT goes on to the command, without a terminal that would have told both", async () => {
    const name = newLockName();
    const run = startCommand("run", name, "--", ...signalTeller);
    await run.stdout.until("runs");
    run.signal("SIGINT");
    await run.stdout.until("got INT\n");
    expect(semaphoreValue(name)).toBe(0);
    await run.tell("stop\n");
    expect(await run.end()).toEqual(printed("runs\ngot INT\n", 5));
    expect(run.endedBy).toBeNull();
  });

  test("TSTP stops the command and run, and both go on at CONT", async () => {
    const name = newLockName();
    const run = startCommand("run", name, "--", "sh", "-c", "echo $$; read -r line; echo $line");
    await run.stdout.until("\n");
    const processId = Number(run.stdout.text);
    run.signal("SIGTSTP");
    await untilStates([processId, run.pid], /T/);
    run.signal("SIGCONT");
    await run.tell("on\n");
    expect(await run.end()).toEqual(printed(`${processId}\non\n`, 0));
  });

  test.skipIf(!haveTools("python3"))("TSTP that the caller has blocked stays blocked", async () => {
    const program = `import signal
signal.signal(signal.SIGTSTP, lambda *_: print("TSTP", flush=True))
signal.signal(signal.SIGUSR1, lambda *_: print("USR1", flush=True))
signal.pthread_sigmask(signal.SIG_SETMASK, [])
print("runs", flush=True)
input()`;
    // Looking for a loss, run waits in the event loop, which takes what is blocked.
    const words = ["run", "--on-lost", "kill", newLockName(), "--", "python3", "-c", program];
    const run = start(["env", "--block-signal=TSTP", binary, ...words]);
    await run.stdout.until("runs\n");
    run.signal("SIGTSTP");
    run.signal("SIGUSR1");
    await run.stdout.until("USR1\n");
    await run.tell("\n");
    expect(await run.end()).toEqual(printed("runs\nUSR1\n"));
  });

  test("INT that comes while the command is being started reaches it", async () => {
    buildWhereStale();
    const name = newLockName();
    const run = start([testBinary, "run", name, "--", "sleep", "60"], {
      env: { RESOURCELOCK_FAULT: "before-spawn:2" },
    });
    expect((await run.end()).status).toBe(130);
    expect(run.endedBy).toBe("SIGINT");
    expect(semaphoreValue(name)).toBe(1);
  });

  test("a signal that comes after the command's end is not passed on, and nothing is said of it", async () => {
    const name = newLockName();
    const run = startCommand("run", name, "--", "sh", "-c", "echo runs $$; read -r line");
    await run.stdout.until("\n");
    const processId = Number(run.stdout.text.slice("runs ".length));
    run.signal("SIGSTOP");
    process.kill(processId, "SIGKILL");
    await untilStates([processId], /Z/);
    for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const) run.signal(signal);
    run.signal("SIGCONT");
    expect(await run.end()).toMatchObject({ status: 137, stderr: "" });
  });

  test.each(["SIGUSR1", "SIGUSR2"] as const)("%s goes on to the command", async (signal) => {
    const name = newLockName();
    const trap = `trap 'echo got; exit 3' ${signal.slice(3)}; echo runs; while :; do sleep 0.1; done`;
    const run = startCommand("run", name, "--", "sh", "-c", trap);
    await run.stdout.until("runs\n");
    run.signal(signal);
    expect(await run.end()).toEqual(printed("runs\ngot\n", 3));
  });

  test.skipIf(!isRoot || !haveTools("setpriv"))(
    "one that the command may not be sent is warned of in a line, and run goes on",
    async () => {
      const name = newLockName();
      const shell = join(newDirectory(), "sh");
      chmodSync(dirname(shell), 0o755);
      copyFileSync("/bin/sh", shell);
      chmodSync(shell, 0o4755);
      // Its command becomes root, as under sudo.
      const asRoot = 'exec setpriv --reuid 0 sh -c "echo runs; read -r line; exit 4"';
      const asNobody = ["setpriv", "--reuid", "65534", "--clear-groups"];
      const run = start([...asNobody, binary, "run", name, "--", shell, "-p", "-c", asRoot]);
      await run.stdout.until("runs\n");
      run.signal("SIGTERM");
      const warning = /^resourcelock: warning: cannot pass SIGTERM on to pid \d+: [^\n]*\n$/;
      await run.stderr.until("\n");
      await run.tell("\n");
      const { status, stderr } = await run.end();
      expect(status).toBe(4);
      expect(stderr).toMatch(warning);
    },
  );

  test("INT to run and command, as by ^C, ends run by INT, even when the command's end is seen first", async () => {
    const name = newLockName();
    const run = startCommand("run", name, "--", "sh", "-c", "echo runs $$; read -r line");
    await run.stdout.until("\n");
    const processId = Number(run.stdout.text.slice("runs ".length));
    // Once it goes on, both signals are there for it.
    run.signal("SIGSTOP");
    process.kill(processId, "SIGINT");
    await untilStates([processId], /Z/);
    run.signal("SIGINT");
    run.signal("SIGCONT");
    expect((await run.end()).status).toBe(130);
    expect(run.endedBy).toBe("SIGINT");
    expect(semaphoreValue(name)).toBe(1);
  });

  test("one that was ignored does not go on to the command", async () => {
    const name = newLockName();
    const run = startScript(
      `trap '' HUP; exec "$RESOURCELOCK" run ${name} -- ${process.execPath} -e '${script}'`,
    );
    await run.stdout.until("runs");
    run.signal("SIGHUP");
    run.signal("SIGTERM");
    await run.stdout.until("got TERM\n");
    await run.tell("stop\n");
    expect(await run.end()).toEqual(printed("runs\ngot TERM\n", 5));
    expect(run.endedBy).toBeNull();
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s while it waits ends it, and nothing is taken or run", async (signal, status) => {
    const name = await newHeldLock();
    const run = startCommand("run", name, "-q", "--", "echo", "never");
    await untilWaiting(name);
    run.signal(signal);
    expect(await run.end()).toEqual(printed("", status));
    expect(run.endedBy).toBe(signal);
    await resourcelock("unget", name);
    expect(semaphoreValue(name)).toBe(1);
    expect((await masked(name, "state")).stdout).toEndWith(" - holder>\n");
  });
});

test.skipIf(!haveTools("strace"))(
  "INT that comes before the command is started ends run, and nothing is run",
  async () => {
    const name = newLockName();
    // strace sends it when the lock has been made.
    const inject = ["-e", "trace=?link,linkat", "-e", "inject=?link,linkat:signal=INT:when=1"];
    const words = ["-f", "-qq", "-o", "/dev/null", ...inject];
    const run = start(["strace", ...words, binary, "run", name, "--", "echo", "never"]);
    expect(await run.end()).toEqual(printed("", 130));
    expect(run.endedBy).toBe("SIGINT");
    expect(semaphoreValue(name)).toBe(1);
  },
);

describe("a wait", () => {
  test("is told at once on stderr, with what it waits for escaped", async () => {
    // Not wider than what is left of a message that is cut.
    const name = await newHeldLock("\u001B[m\n");
    const first = startCommand("run", name, "--", "echo", "first");
    await first.stderr.until("\n");
    // When the second one speaks up, the first one has had another occasion to do so.
    const second = startCommand("run", name, "--", "echo", "second");
    await second.stderr.until("\n");
    await resourcelock("unget", name);
    for (const [run, stdout, place] of [
      [first, "first\n", "next"],
      [second, "second\n", "2nd of 2"],
    ] as const) {
      const { stderr, ...outcome } = await run.end();
      expect(outcome).toEqual({ status: 0, stdout });
      expect(maskTimes(stderr)).toBe(waitText(name, "\\x1b[m\\n", place));
    }
  });

  test("is not told with -q", async () => {
    const name = await newHeldLock();
    const quiet = startCommand("run", name, "-q", "--", "true");
    await untilWaiting(name);
    const telling = startCommand("run", name, "--", "true");
    await telling.stderr.until("\n");
    await resourcelock("unget", name);
    expect(await quiet.end()).toMatchObject(printed(""));
  });

  test("ends for each of three that wait", async () => {
    const name = await newHeldLock();
    const runs = ["a", "b", "c"].map((word) => startCommand("run", name, "--", "echo", word));
    await untilWaiting(name, 3);
    await resourcelock("unget", name);
    const outcomes = await Promise.all(runs.map((run) => run.end()));
    expect(outcomes.map(({ status, stdout }) => `${status} ${stdout}`)).toEqual([
      "0 a\n",
      "0 b\n",
      "0 c\n",
    ]);
    expect(semaphoreValue(name)).toBe(1);
  });
});

test("no two of the commands that 4 shells run under one lock overlap", async () => {
  const directory = newDirectory();
  const [counter, witness] = [join(directory, "counter"), join(directory, "witness")];
  writeFileSync(counter, "0\n");
  const sections = isWhole ? 25 : 8;
  const contention = { lockName: newLockName(), sections, counter, witness };
  const words = shellContender(contention);
  const shells = Array.from({ length: 4 }, () => start(words, { deadlineSeconds: 280 }));
  for (const shell of shells) {
    expect(await shell.end()).toMatchObject({ status: 0, stderr: "" });
  }
  expect(readFileSync(counter, "utf8")).toBe(`${4 * sections}\n`);
  expect(existsSync(witness)).toBe(false);
});

/** A run of `command`, which prints, whose lock was released by force. */
async function forcedRun(options: readonly string[], command: string) {
  const name = newLockName();
  const run = startCommand("run", name, ...options, "--", "sh", "-c", command);
  await run.stdout.until("runs");
  await resourcelock("unget", name, "-q", "-m", "the test");
  return run;
}

describe("run whose lock is taken by force", () => {
  test.each([
    [[], "exit 0", 69],
    [["--on-lost", "fail"], "exit 0", 69],
    [["--on-lost", "fail"], "exit 3", 3],
    [["--on-lost", "ignore"], "exit 0", 0],
  ])("%p with a command that ends by `%s` ends with %i", async (options, end, status) => {
    const run = await forcedRun(options, `echo runs; read -r line; ${end}`);
    await run.tell("\n");
    const ended = await run.end();
    expect(ended.status).toBe(status);
    expect(ended.stderr).toContain("was released by force");
  });

  test("--on-lost kill ends the command by TERM, and run with 69", async () => {
    const run = await forcedRun(["--on-lost", "kill"], "echo runs; exec sleep 60");
    const { status, stderr } = await run.end();
    expect(status).toBe(69);
    expect(stderr).toMatch(
      /was released by force by pid \d+ while the command ran; sent TERM to the command, which ended with status 143\n$/,
    );
  });

  test("-q leaves the reason of the status 69 to be said", async () => {
    for (const [onLost, told] of [
      [
        "fail",
        /^resourcelock: warning: .* was released by force by pid \d+ while the command ran\n$/,
      ],
      ["ignore", /^$/],
    ] as const) {
      const run = await forcedRun(["-q", "--on-lost", onLost], "echo runs; read -r line");
      await run.tell("\n");
      expect((await run.end()).stderr).toMatch(told);
    }
  });

  test("--on-lost of another word is wrong usage, and nothing is run", async () => {
    const { status, stderr } = await resourcelock("run", "x", "--on-lost", "cry", "--", "true");
    expect(status).toBe(64);
    expect(stderr).toContain("fail or kill or ignore");
  });
});

test.skipIf(!isRoot || !haveTools("unshare"))(
  "run as the first process of a container collects what is orphaned to it",
  async () => {
    // A zombie has a number to signal; one that was collected has none.
    const command =
      "p=$(sh -c 'sleep 0.1 >/dev/null 2>&1 & echo $!'); " +
      "for i in $(seq 600); do kill -0 $p 2>/dev/null || exit 3; sleep 0.05; done";
    const words = ["run", newLockName(), "--", "sh", "-c", command];
    const run = start(["unshare", "--pid", "--fork", "--mount-proc", binary, ...words]);
    expect((await run.end()).status).toBe(3);
  },
);

const inner = (name: string, ...options: string[]) =>
  `env -i PATH="$PATH" "$RESOURCELOCK" run ${name} ${options.join(" ")} -- echo inside`;

describe("run inside a hold of the same lock", () => {
  test("is told at once with an empty environment, too", async () => {
    const name = newLockName();
    const { status, stdout, stderr } = await resourcelock("run", name, "-c", inner(name));
    expect({ status, stdout }).toEqual({ status: 75, stdout: "" });
    expect(stderr).toMatch(/: pid \d+ \(.*\), which started this run, holds it and waits/);
  });

  test("is told whose hold it is: a run's, or the one that get bound to a script", async () => {
    const name = newLockName();
    const nested = await resourcelock("run", name, "-c", `"$RESOURCELOCK" run ${name} -- true`);
    expect(nested.stderr).toBe(
      `resourcelock: Cannot wait for lock "${name}": a run around this one holds it and waits for this one to end; to run under that hold, use --reentrant\n`,
    );
    const { stdout, stderr } = await bash(
      `"$RESOURCELOCK" get ${name} -q --owner-pid $$; echo $$; "$RESOURCELOCK" run ${name} -- true; :`,
    );
    expect(stderr).toBe(
      `resourcelock: Cannot wait for lock "${name}": this run is part of pid ${stdout.trim()}, for which get --owner-pid holds the lock already; to run under that hold, use --reentrant\n`,
    );
  });

  test.each([["-n"], ["-t", "0"], ["--max-waiters", "0"]])(
    "goes on under it with --reentrant and %s, which do not wait",
    async (...options) => {
      const name = newLockName();
      const words = `resourcelock run ${name} --reentrant ${options.join(" ")} -- echo under`;
      expect(await bash(`resourcelock get -q ${name} --owner-pid $$; ${words}; true`)).toEqual({
        status: 0,
        stdout: "under\n",
        stderr: "",
      });
    },
  );

  test("goes on under it with --reentrant, and without the environment", async () => {
    const name = newLockName();
    const ended = await resourcelock("run", name, "-c", inner(name, "--reentrant"));
    expect(ended).toEqual(printed("inside\n"));
  });

  test("is told at once when the hold is bound to an ancestor", async () => {
    const name = newLockName();
    const script = `"$RESOURCELOCK" get ${name} -q --owner-pid $$; ${inner(name)}; echo $?`;
    expect((await bash(script)).stdout).toBe("75\n");
  });

  test("is told at once of the second of two locks, while the first is held by another", async () => {
    const [first, second] = [`${newLockName()}-a`, `${newLockName()}-b`];
    await resourcelock("get", first, "-q");
    const words = `"$RESOURCELOCK" run ${first},${second} -- echo inside`;
    const { status, stderr } = await resourcelock("run", second, "-c", `env -i ${words}`);
    expect(status).toBe(75);
    expect(stderr).toContain(second);
    await resourcelock("unget", first, "-q");
  });
});

test("run --slots with names gives each holder a name that no other has", async () => {
  const name = newLockName();
  const words = ["run", name, "--slots", "ttyUSB0,ttyUSB1", "--"];
  const show = 'echo "$RESOURCELOCK_SLOT $RESOURCELOCK_SLOT_NAME"';
  const first = start([binary, ...words, "sh", "-c", `${show}; read -r line`]);
  expect(await first.stdout.nextLine()).toBe("0 ttyUSB0");
  const second = await resourcelock(...words, "sh", "-c", show);
  expect(second).toEqual({ status: 0, stdout: "1 ttyUSB1\n", stderr: "" });
  const inOtherOrder = ["run", name, "--slots", "ttyUSB1,ttyUSB0", "--"];
  const other = await resourcelock(...inOtherOrder, "sh", "-c", show);
  expect(other).toEqual({ status: 0, stdout: "1 ttyUSB1\n", stderr: "" });
  const third = await resourcelock("run", name, "--slots", "2", "--", "sh", "-c", show);
  expect(third.stdout).toBe("1 \n");
});

test("run --slots refuses names of which two are the same", async () => {
  const outcome = await resourcelock("run", newLockName(), "--slots", "a,a", "--", "true");
  expect(outcome.status).toBe(64);
});

test.each([1, 8, 28])(
  "run releases its lock when its info text is cut to %d bytes meanwhile",
  async (bytes) => {
    const name = newLockName();
    await resourcelock("run", name, "--", "true");
    const cut = await resourcelock(
      "run",
      name,
      "--",
      "truncate",
      "-s",
      String(bytes),
      `/dev/shm/${name}`,
    );
    expect(cut).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(semaphoreValue(name)).toBe(1);
  },
);

test.skipIf(!haveTools("strace"))(
  "run has read environment and limits for its command before its turn comes",
  async () => {
    const name = await newHeldLock();
    const file = join(newDirectory(), "trace");
    const trace = ["strace", "-f", "-s", "200", "-e", "trace=open,openat,pwrite64,execve"];
    const waiter = start([...trace, "-o", file, binary, "run", name, "true"]);
    await waiter.stderr.nextLine();
    await eventually(
      () => "a look at the environment",
      async () => readFileSync(file, "utf8").includes('"/proc/self/environ"'),
    );
    await resourcelock("unget", name);
    expect((await waiter.end()).status).toBe(0);
    const lines = readFileSync(file, "utf8").split("\n");
    const granted = lines.findLastIndex((line) => /pwrite64\(\d+, "\d{4}-.* - true/.test(line));
    const started = lines.findLastIndex((line) => line.includes("execve("));
    expect(granted).toBeGreaterThan(0);
    expect(started).toBeGreaterThan(granted);
    // Only the descriptor that is handed on is opened in between.
    const opened = lines.slice(granted, started).filter((line) => /open(?:at)?\(/.test(line));
    expect(opened.filter((line) => !line.includes("/proc/self/fd/"))).toEqual([]);
  },
);
