/** What an unprivileged stranger can make in /dev/shm, and what it does to root's lock: nothing. */
import { describe, expect, test } from "bun:test";
import { haveTools } from "../support/binary.ts";
import type { Outcome } from "../support/process.ts";
import { isRoot, resourcelockAs, runAs, startAs } from "./other-user.ts";
import { haveMountNamespaces, PrivateSharedMemory } from "./private-shared-memory.ts";

/** Users whom no host knows: the stranger who attacks, and another one who did nothing. */
const stranger = 61_001;
const victim = 61_002;

const canAttack = isRoot && haveTools("setpriv", "python3") && (await haveMountNamespaces());

const shared = () => PrivateSharedMemory.mount("size=8m,mode=1777");

async function attack(memory: PrivateSharedMemory, script: string): Promise<void> {
  const { status, stderr } = await runAs(stranger, memory, "sh", "-ec", script);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

/** Starts a Python program of the stranger's that prints a line when it is ready, and goes on. */
async function attackWithPython(memory: PrivateSharedMemory, program: string): Promise<void> {
  const process = startAs(stranger, memory, "/usr/bin/env", "python3", "-c", program);
  await process.stdout.until("\n");
}

function expectIntrusion(outcome: Outcome, path: string, beside: string): void {
  const cause = `${path} belongs to user ${stranger}, whom the mode of ${beside} keeps out`;
  expect(outcome.stderr).toContain(`Cannot use lock "x": ${cause}`);
  expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status: 71, stdout: "" });
}

/** A lock of root's as a Python peer leaves it: without a ledger. */
async function withoutLedger(): Promise<PrivateSharedMemory> {
  const memory = await shared();
  await memory.resourcelock("run", "x", "--", "true");
  await memory.prepare("rm /dev/shm/x.ledger");
  return memory;
}

const using = [
  ["run", "x", "-t", "2", "--", "true"],
  ["get", "x", "-t", "2"],
  ["state", "x"],
  ["unget", "x"],
  ["wait", "x", "-t", "2"],
];

describe.skipIf(!canAttack)("beside root's lock a stranger's", () => {
  test("ledger is refused at once, with its path and owner", async () => {
    await using memory = await withoutLedger();
    await attack(memory, "truncate -s 4096 /dev/shm/x.ledger; chmod 644 /dev/shm/x.ledger");
    for (const words of using) {
      expectIntrusion(await memory.resourcelock(...words), "/dev/shm/x.ledger", "/dev/shm/sem.x");
    }
  });

  test("ledger does not stop it by a locked mutex", async () => {
    await using memory = await withoutLedger();
    await attackWithPython(
      memory,
      `import fcntl, os, time
f = os.open("/dev/shm/x.ledger", os.O_CREAT | os.O_RDWR, 0o666)
fcntl.lockf(f, fcntl.LOCK_EX, 1, 2 ** 30)
print("locked", flush=True)
time.sleep(600)`,
    );
    expectIntrusion(
      await memory.resourcelock("run", "x", "--", "true"),
      "/dev/shm/x.ledger",
      "/dev/shm/sem.x",
    );
  });

  test("info text does not steer a release", async () => {
    await using memory = await shared();
    await memory.resourcelock("run", "x", "--", "true");
    await memory.prepare("rm /dev/shm/x");
    await attack(
      memory,
      "echo '2099-01-01 00:00:00.000000 - planted' >/dev/shm/x; chmod 644 /dev/shm/x",
    );
    for (const words of using) {
      expectIntrusion(await memory.resourcelock(...words), "/dev/shm/x", "/dev/shm/sem.x");
    }
    expect((await memory.resourcelock("list", "--json")).stdout).not.toContain("planted");
  });

  test("semaphore does not free it", async () => {
    await using memory = await shared();
    await memory.resourcelock("get", "x", "-q");
    await memory.prepare("rm /dev/shm/sem.x");
    await attack(
      memory,
      String.raw`printf '\001\0\0\0\0\0\0\0\200\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >/dev/shm/sem.x; chmod 666 /dev/shm/sem.x`,
    );
    const { status, stderr } = await memory.resourcelock("run", "x", "-n", "--", "true");
    expect(stderr).toContain(`/dev/shm/sem.x belongs to user ${stranger}, whom the mode of`);
    expect(status).toBe(71);
  });

  test("objects are told by doctor as a problem", async () => {
    await using memory = await withoutLedger();
    await attack(memory, "truncate -s 4096 /dev/shm/x.ledger; chmod 644 /dev/shm/x.ledger");
    const { stdout, status } = await memory.resourcelock("doctor");
    const said = stdout.replace(/\s+/g, " ");
    expect(said).toContain(`/dev/shm/x.ledger belongs to user ${stranger}, whom the mode of`);
    expect(said).not.toContain("Its ledger is damaged");
    expect(status).toBe(1);
  });
});

describe.skipIf(!canAttack)("another user's file", () => {
  const contents = "not a lock's";

  test("is not deleted by remove --stale for a ledger that a stranger put beside it", async () => {
    await using memory = await shared();
    await memory.resourcelock("run", "x", "--", "true");
    // A ledger that was begun, of the stranger's.
    await resourcelockAs(stranger, memory, "run", "y", "--", "true");
    for (const mode of ["600", "666"]) {
      await memory.prepare(
        `printf '%s' "${contents}" >/dev/shm/PostgreSQL.${mode}; chown ${victim} /dev/shm/PostgreSQL.${mode}; chmod ${mode} /dev/shm/PostgreSQL.${mode}`,
      );
      await attack(memory, `cp /dev/shm/y.ledger /dev/shm/PostgreSQL.${mode}.ledger`);
      await attack(memory, `chmod 666 /dev/shm/PostgreSQL.${mode}.ledger`);
    }
    const { stderr } = await memory.resourcelock("remove", "--stale");
    for (const mode of ["600", "666"]) {
      expect(memory.files[`PostgreSQL.${mode}`]).toEndWith(contents);
    }
    expect(stderr).toContain(`/dev/shm/PostgreSQL.666: it belongs to user ${victim}`);
    expect(Object.keys(memory.files)).not.toContain("PostgreSQL.666.ledger");
  });

  test("is not deleted by remove for a semaphore that a stranger put beside it", async () => {
    await using memory = await shared();
    await memory.prepare(
      `printf '%s' "${contents}" >/dev/shm/x; chown ${victim} /dev/shm/x; chmod 600 /dev/shm/x`,
    );
    await resourcelockAs(stranger, memory, "run", "y", "--", "true");
    await attack(memory, "cp -p /dev/shm/sem.y /dev/shm/sem.x");
    for (const words of [
      ["remove", "x"],
      ["remove", "x", "--force"],
    ]) {
      await memory.resourcelock(...words);
      expect(memory.files["x"]).toEndWith(contents);
    }
  });

  test("is shown neither by list nor by state nor by info", async () => {
    await using memory = await shared();
    await memory.prepare(
      `printf '%s' "${contents}" >/dev/shm/x; chown ${victim} /dev/shm/x; chmod 600 /dev/shm/x`,
    );
    await resourcelockAs(stranger, memory, "run", "y", "--", "true");
    await attack(memory, "cp -p /dev/shm/sem.y /dev/shm/sem.x");
    for (const words of [["list"], ["list", "--json"], ["state", "x"], ["info", "x"], ["doctor"]]) {
      const { stdout, stderr } = await memory.resourcelock(...words);
      expect(stdout + stderr).not.toContain(contents);
    }
    const { stdout } = await memory.resourcelock("list", "--json");
    const listed = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(listed).toContainEqual(expect.objectContaining({ name: "x", info: null }));
  });

  test("is not emptied because it is called NAME.ledger", async () => {
    await using memory = await shared();
    const zeros = "\0".repeat(200);
    const whole = "accounts of 2026".repeat(256);
    for (const before of [
      "accounts of 2026",
      `${zeros}accounts`,
      whole,
      "\0".repeat(4096) + whole,
    ]) {
      const text = JSON.stringify(before);
      await memory.prepare(`python3 -c 'open("/dev/shm/x.ledger", "w").write(${text})'`);
      const kept = memory.files["x.ledger"];
      const { status, stderr } = await memory.resourcelock("run", "x", "--", "true");
      expect(stderr).toContain('Cannot use lock "x": its ledger is damaged (it was never one)');
      expect(status).toBe(71);
      expect(memory.files["x.ledger"]).toBe(kept);
    }
  });

  test("is not used through a second name that somebody gave it", async () => {
    await using memory = await shared();
    await memory.resourcelock("run", "x", "--", "true");
    await memory.prepare("truncate -s 32 /dev/shm/accounts; ln /dev/shm/accounts /dev/shm/other");
    for (const object of ["sem.x", "x", "x.ledger"]) {
      await memory.prepare(
        `mv /dev/shm/${object} /dev/shm/kept; ln /dev/shm/accounts /dev/shm/${object}`,
      );
      const { status, stderr } = await memory.resourcelock("run", "x", "--", "true");
      expect(stderr).toContain("it has 3 names");
      expect(status).toBe(71);
      await memory.prepare(`rm /dev/shm/${object}; mv /dev/shm/kept /dev/shm/${object}`);
    }
    expect((await memory.resourcelock("run", "x", "--", "true")).status).toBe(0);
  });
});

/** F_SETLEASE 1024, F_WRLCK 1: with SIGIO ignored, whoever opens the file waits for 45 s. */
const leaseOn = (...paths: string[]) => `import fcntl, os, signal, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
for path in ${JSON.stringify(paths)}:
    fcntl.fcntl(os.open(path, os.O_RDWR), 1024, 1)
print("leased", flush=True)
time.sleep(600)`;

describe.skipIf(!canAttack)("a lease that a stranger has on a lock of theirs", () => {
  test.each(["x", "sem.x", "x.ledger"])("(%s) does not make root wait", async (object) => {
    await using memory = await shared();
    await resourcelockAs(stranger, memory, "run", "x", "--mode", "666", "--", "true");
    await attackWithPython(memory, leaseOn(`/dev/shm/${object}`));
    const started = performance.now();
    const { status, stderr } = await memory.resourcelock("run", "x", "-n", "--", "true");
    expect(stderr).toContain(`another program has a lease on /dev/shm/${object}; end that program`);
    expect(status).toBe(71);
    for (const words of [["list"], ["doctor"], ["state", "x"], ["remove", "--stale"]]) {
      await memory.resourcelock(...words);
    }
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe.skipIf(!canAttack)("an object that is made anew", () => {
  /** Both are in this group, which is not their own. */
  const group = 61_009;
  const asMember = (userId: number) => [
    "setpriv",
    `--reuid=${userId}`,
    `--regid=${userId}`,
    `--groups=${group}`,
  ];

  test("by another member of the group is for the group", async () => {
    await using memory = await shared();
    const { stdout: binary } = await memory.run("sh", "-c", 'printf %s "$RESOURCELOCK"');
    const run = (userId: number) =>
      memory.run(...asMember(userId), binary, "run", "x", "--group", String(group), "--", "true");
    expect((await run(stranger)).status).toBe(0);
    for (const object of ["sem.x", "x", "x.ledger"]) {
      await memory.prepare(`rm /dev/shm/${object}`);
      expect(await run(victim)).toMatchObject({ status: 0, stderr: "" });
      expect(await run(stranger)).toMatchObject({ status: 0, stderr: "" });
      const { stdout } = await memory.run("stat", "-c", "%g %a", `/dev/shm/${object}`);
      expect(stdout.trim()).toBe(`${group} 660`);
    }
  });

  test("under a umask that forbids all is for its owner", async () => {
    await using memory = await shared();
    await memory.run("sh", "-c", 'umask 777; exec "$RESOURCELOCK" run x -- true');
    const { stdout } = await memory.run(
      "stat",
      "-c",
      "%a",
      "/dev/shm/x",
      "/dev/shm/sem.x",
      "/dev/shm/x.ledger",
    );
    expect(stdout.trim().split("\n")).toEqual(["600", "600", "600"]);
  });

  test("in a user namespace that does not know the owner is no error", async () => {
    await using memory = await shared();
    await resourcelockAs(stranger, memory, "run", "x", "--mode", "666", "--", "true");
    await memory.prepare("rm /dev/shm/x.ledger");
    const run = 'exec unshare -Ur "$RESOURCELOCK" run x -- true';
    const outcome = await runAs(victim, memory, "sh", "-c", run);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
  });
});
