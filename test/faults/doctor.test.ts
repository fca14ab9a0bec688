/** `doctor` on hosts and among locks that have something the matter. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { haveTools } from "../support/binary.ts";
import { type Outcome, binary } from "../support/process.ts";
import { expectShowable } from "./outcome.ts";
import { isRoot, resourcelockAs, resourcelockAsNobody } from "./other-user.ts";
import { haveMountNamespaces, PrivateSharedMemory } from "./private-shared-memory.ts";

/** Who is not a system user, and has no name. */
const ordinaryUser = 4242;

interface Finding {
  check: string;
  verdict: string;
  name: string | null;
  text: string;
  advice: string | null;
}

/** Reads what `doctor --json` prints, and holds its status to what it found. */
function findingsIn({ status, stdout, stderr }: Outcome): Finding[] {
  expect(stderr).toBe("");
  const findings: Finding[] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const bad = findings.some(({ verdict }) => verdict === "warning" || verdict === "problem");
  expect(status).toBe(bad ? 1 : 0);
  return findings;
}

async function examine(memory: PrivateSharedMemory): Promise<Finding[]> {
  return findingsIn(await memory.resourcelock("doctor", "--json"));
}

/** What was found by a check; the texts, with the verdict before each. */
function found(findings: readonly Finding[], check: string, name: string | null = null): string[] {
  return findings
    .filter((finding) => finding.check === check && finding.name === name)
    .map(({ verdict, text, advice }) => [verdict, text, advice ?? ""].join(" ").trimEnd());
}

const freshMemory = () => PrivateSharedMemory.mount("size=1m,mode=1777");

/** A host with systemd, on which these are the files of its configuration. */
async function hostWith(files: Record<string, string>): Promise<PrivateSharedMemory> {
  const memory = await freshMemory();
  const directories = ["/run", "/etc/systemd", "/usr/lib/systemd", "/var/lib/systemd"];
  await memory.prepare(
    directories.map((path) => `[ ! -d ${path} ] || mount -t tmpfs tmpfs ${path}`).join("\n"),
  );
  await memory.prepare("mkdir -p /run/systemd/system");
  for (const [path, text] of Object.entries(files)) {
    await memory.prepare(`mkdir -p "$(dirname ${path})"; printf '${text}' >${path}`);
  }
  return memory;
}

async function logout(memory: PrivateSharedMemory): Promise<string | undefined> {
  const outcome = await resourcelockAs(ordinaryUser, memory, "doctor", "--json");
  return found(findingsIn(outcome), "logout")[0];
}

describe.skipIf(!(await haveMountNamespaces()))("doctor", () => {
  test("finds nothing on a host that is well, and status 0 says so", async () => {
    await using memory = await freshMemory();
    await memory.resourcelock("get", "x", "-q");
    const { status, stdout, stderr } = await memory.resourcelock("doctor");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(
      /^ok {7}shared memory: \/dev\/shm is a tmpfs of 1 MiB, \d+ KiB free\.$/m,
    );
    expect(stdout).toMatch(/^ok {7}locks: 1, of which you may use 1\.$/m);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.pop()).toBe("All good.");
    for (const line of lines) expect(line).toStartWith("ok       ");
    expectShowable({ stdout, stderr });
  });

  test.skipIf(!haveTools("script", "stty")).each([40, 80])(
    "fits a terminal of %d columns",
    async (columns) => {
      await using memory = await freshMemory();
      await memory.prepare(": >/dev/shm/sem.damaged");
      const line = `stty cols ${columns}; TERM=dumb ${binary} doctor`;
      const { stdout } = await memory.run("script", "-qc", line, "/dev/null");
      const lines = stdout.trimEnd().split("\r\n");
      expect(lines.filter((shown) => shown.length > columns)).toEqual([]);
      expect(lines.length).toBeGreaterThan((7 * 80) / columns);
      for (const shown of lines) {
        expect(shown).toMatch(/^(ok {7}|problem {2}| {9}|1 problem\.$)\S*/);
      }
    },
  );

  test("changes nothing and makes nothing", async () => {
    await using memory = await freshMemory();
    await memory.resourcelock("get", "x", "-q");
    await memory.prepare("echo damage | dd of=/dev/shm/x.ledger conv=notrunc 2>/dev/null");
    const before = memory.files;
    await examine(memory);
    expect(memory.files).toEqual(before);
  });

  test("with -q prints what is the matter, and nothing else", async () => {
    await using memory = await freshMemory();
    expect(await memory.resourcelock("doctor", "-q")).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    await memory.fill();
    const { status, stdout } = await memory.resourcelock("doctor", "-q");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^problem {2}shared memory: .* is full\..*\n$/);
  });

  describe("of shared memory", () => {
    test.each([
      ["absent", "There is no /dev/shm."],
      ["notDirectory", "There is no /dev/shm."],
    ] as const)("that is %s says so", async (kind, text) => {
      await using memory = await PrivateSharedMemory[kind]();
      const [line] = found(await examine(memory), "shared memory");
      expect(line).toStartWith(`problem ${text} No lock can be created.`);
    });

    test("that is read-only says so", async () => {
      await using memory = await PrivateSharedMemory.mount("ro");
      const [line] = found(await examine(memory), "shared memory");
      expect(line).toStartWith("problem /dev/shm is read-only.");
    });

    test("that is full says so", async () => {
      await using memory = await freshMemory();
      await memory.fill();
      const [line] = found(await examine(memory), "shared memory");
      expect(line).toStartWith("problem /dev/shm is full.");
    });

    test("that is nearly full says for how many locks there is room", async () => {
      await using memory = await freshMemory();
      await memory.fill(7);
      const [line] = found(await examine(memory), "shared memory");
      expect(line).toContain("28 KiB free. There is room for 2 new locks.");
      expect(line).toStartWith("warning");
    });

    test("that can have few more files says for how many locks", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,nr_inodes=15,mode=1777");
      const [line] = found(await examine(memory), "shared memory");
      expect(line).toMatch(/^warning .* There is room for 4 new locks\./);
    });

    test("that is mounted noexec is all right", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777,noexec");
      const [line] = found(await examine(memory), "shared memory");
      expect(line).toStartWith("ok ");
    });

    test("that is no tmpfs says what follows", async () => {
      const directory = mkdtempSync(`${tmpdir()}/test-doctor-`);
      onTestFinished(() => {
        rmSync(directory, { recursive: true });
      });
      await using memory = await freshMemory();
      await memory.prepare(`mount --bind ${directory} /dev/shm`);
      const type = (await memory.run("stat", "-f", "-c", "%T", "/dev/shm")).stdout.trim();
      const [line] = found(await examine(memory), "shared memory");
      expect(line).toStartWith(type === "tmpfs" ? "ok" : "warning /dev/shm is not a tmpfs");
    });

    test("in which everybody can delete everything says so", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=777");
      const [line] = found(await examine(memory), "shared memory");
      expect(line).toMatch(/^warning \/dev\/shm has mode 777: .* Run: chmod 1777 \/dev\/shm$/);
    });

    test.skipIf(!isRoot || !haveTools("setpriv"))(
      "in which this user cannot make files says so",
      async () => {
        await using memory = await PrivateSharedMemory.mount("size=1m,mode=755");
        const outcome = await resourcelockAsNobody(memory, "doctor", "--json");
        const [line] = found(findingsIn(outcome), "shared memory");
        expect(line).toStartWith("problem You may not create files in /dev/shm.");
      },
    );
  });

  describe("of /proc", () => {
    test.skipIf(!isRoot || !haveTools("setpriv"))(
      "that hides processes says what that does to --owner-pid, and it does",
      async () => {
        await using memory = await freshMemory();
        await memory.prepare("mount -t proc -o hidepid=2 proc /proc");
        expect(found(await examine(memory), "processes")[0]).toStartWith("ok");
        const outcome = await resourcelockAsNobody(memory, "doctor", "--json");
        const [line] = found(findingsIn(outcome), "processes");
        expect(line).toMatch(/^note \/proc hides .*--owner-pid may stay held too long/);
        await memory.resourcelock("get", "x", "-q", "--owner-pid", "1");
        await memory.prepare("chmod 666 /dev/shm/x /dev/shm/sem.x /dev/shm/x.ledger");
        const state = await resourcelockAsNobody(memory, "state", "x");
        expect(state.stdout).toContain("held by cli (bound to pid 1) ");
      },
    );
  });

  describe.skipIf(!isRoot || !haveTools("setpriv"))("of systemd-logind", () => {
    test("warns an ordinary user whose locks it deletes, as it does by default", async () => {
      await using memory = await hostWith({});
      const line = await logout(memory);
      expect(line).toStartWith(`warning systemd-logind deletes the locks of ${ordinaryUser} `);
      expect(line).toContain("RemoveIPC=yes, the default.");
      expect(line).toContain(`loginctl enable-linger ${ordinaryUser}`);
    });

    test("reads its configuration, drop-ins too", async () => {
      const dropIn = "/etc/systemd/logind.conf.d/locks.conf";
      const no = String.raw`[Login]\nRemoveIPC=no\n`;
      await using memory = await hostWith({ "/etc/systemd/logind.conf": no });
      expect(await logout(memory)).toBe(
        "ok systemd-logind keeps locks: RemoveIPC=no in /etc/systemd/logind.conf.",
      );
      await memory.prepare(
        `mkdir -p /etc/systemd/logind.conf.d; printf '${no.replace("no", "yes")}' >${dropIn}`,
      );
      expect(await logout(memory)).toContain(`RemoveIPC=yes, in ${dropIn}.`);
    });

    test("knows whom it spares", async () => {
      await using memory = await hostWith({ [`/var/lib/systemd/linger/${ordinaryUser}`]: "" });
      expect(await logout(memory)).toContain("who lingers");
      const [root] = found(await examine(memory), "logout");
      expect(root).toBe("ok systemd-logind keeps the locks of system users such as root.");
    });

    test("is at ease without it", async () => {
      await using memory = await freshMemory();
      await memory.prepare("mount -t tmpfs tmpfs /run");
      expect(await logout(memory)).toBe("ok No systemd here.");
    });
  });

  describe("of fs.protected_regular", () => {
    const setting = "/proc/sys/fs/protected_regular";
    const value = readFileSync(setting, "utf8").trim();

    test("says that it does no harm as long as no lock of others is shared", async () => {
      await using memory = await freshMemory();
      await memory.resourcelock("get", "x", "-q");
      const [line] = found(await examine(memory), "protected files");
      expect(line).toStartWith(`ok fs.protected_regular is ${value === "0" ? "off" : value}.`);
    });

    test.skipIf(!isRoot || !haveTools("setpriv") || !isSettable(setting, value))(
      "names the locks of others that Python peers are refused on",
      async () => {
        await using memory = await freshMemory();
        for (const name of ["x", "y"]) await resourcelockAsNobody(memory, "get", name, "-q");
        await memory.resourcelock("get", "mine", "-q");
        await memory.prepare(
          "chmod 666 /dev/shm/x /dev/shm/sem.x /dev/shm/x.ledger /dev/shm/*mine*",
        );
        writeFileSync(setting, "2");
        try {
          const [line] = found(await examine(memory), "protected files");
          expect(line).toStartWith("warning fs.protected_regular is 2.");
          expect(line).toContain('other users share: "x".');
          // The shell opens with O_CREAT: the proof of what is said.
          expect((await memory.run("sh", "-c", ": >>/dev/shm/x")).status).not.toBe(0);
          expect((await memory.resourcelock("unget", "x")).status).toBe(0);
        } finally {
          writeFileSync(setting, value);
        }
      },
    );
  });

  describe("of a lock", () => {
    test("whose holder died says who that was", async () => {
      await using memory = await freshMemory();
      await memory.run("sh", "-c", `"$RESOURCELOCK" get x -q --owner-pid $$`);
      const [line] = found(await examine(memory), "lock", "x");
      expect(line).toMatch(
        /^warning Held by pid \d+.*, which died; the next waiter takes over. .*resourcelock unget x$/,
      );
    });

    test("that has been held longer than --held-over gets a warning", async () => {
      await using memory = await freshMemory();
      await memory.resourcelock("get", "x", "-q", "-m", "backup");
      const doctor = async (time: string) =>
        findingsIn(await memory.resourcelock("doctor", "--json", "--held-over", time));
      expect(found(await doctor("1h"), "lock", "x")).toEqual([]);
      expect(found(await doctor("0"), "lock", "x")).toEqual([
        expect.stringMatching(
          /^warning Held by backup \(no process\) for \d+s, longer than 0s\. If that is a mistake: resourcelock unget x$/,
        ),
      ]);
    });

    test("whose ledger is damaged says so, and its advice helps", async () => {
      await using memory = await freshMemory();
      await memory.resourcelock("get", "x", "-q");
      await memory.prepare("echo damage | dd of=/dev/shm/x.ledger conv=notrunc 2>/dev/null");
      const [line] = found(await examine(memory), "lock", "x");
      expect(line).toStartWith("problem Its ledger is damaged");
      expect(line).toEndWith(
        "Delete /dev/shm/x.ledger once no program uses the lock, then: resourcelock unget x",
      );
      await memory.prepare("rm /dev/shm/x.ledger");
      await memory.resourcelock("unget", "x");
      await memory.resourcelock("run", "x", "--", "true");
      expect(found(await examine(memory), "lock", "x")).toEqual([]);
    });

    test("whose semaphore is over 1 says so, and its advice helps", async () => {
      await using memory = await freshMemory();
      await memory.resourcelock("run", "x", "--", "true");
      await memory.prepare(
        String.raw`printf '\003' | dd of=/dev/shm/sem.x conv=notrunc 2>/dev/null`,
      );
      const [line] = found(await examine(memory), "lock", "x");
      expect(line).toStartWith("warning Its semaphore stands at 3 instead of 0 or 1");
      await memory.resourcelock("remove", "x");
      await memory.resourcelock("run", "x", "--", "true");
      expect(found(await examine(memory), "lock", "x")).toEqual([]);
    });

    test("leaves out a semaphore that another program may count with", async () => {
      await using memory = await freshMemory();
      await memory.prepare(
        String.raw`{ printf '\003\0\0\0\0\0\0\0\200'; head -c 23 /dev/zero; } >/dev/shm/sem.counted`,
      );
      expect(found(await examine(memory), "lock", "counted")).toEqual([]);
    });

    test("whose semaphore is gone says so, and its advice helps", async () => {
      await using memory = await freshMemory();
      await memory.resourcelock("run", "x", "--", "true");
      await memory.prepare("rm /dev/shm/sem.x");
      const [line] = found(await examine(memory), "lock", "x");
      expect(line).toStartWith("warning Its semaphore was deleted");
      await memory.resourcelock("remove", "--stale");
      expect(found(await examine(memory), "lock", "x")).toEqual([]);
    });

    test("whose semaphore is gone while it is held says so, and its advice helps", async () => {
      await using memory = await freshMemory();
      await memory.resourcelock("get", "x", "-q");
      await memory.prepare("rm /dev/shm/sem.x");
      const lines = found(await examine(memory), "lock", "x");
      expect(lines).toEqual([
        expect.stringMatching(/^warning Its semaphore was deleted while in use, /),
      ]);
      await memory.resourcelock("get", "x", "-q", "-t", "0");
      expect(found(await examine(memory), "lock", "x")).toEqual([]);
    });

    test("of a 32-bit program says that it is one", async () => {
      await using memory = await freshMemory();
      await memory.prepare("head -c 16 /dev/zero >/dev/shm/sem.x");
      const [line] = found(await examine(memory), "lock", "x");
      expect(line).toStartWith("warning /dev/shm/sem.x belongs to a 32-bit program");
    });

    test.each([
      ["head -c 31 /dev/zero >/dev/shm/sem.x", "/dev/shm/sem.x is damaged: it has 31 bytes"],
      ["head -c 16 /dev/zero >/dev/shm/sem.x", "/dev/shm/sem.x is damaged: it has 16 bytes"],
      ["mkdir /dev/shm/sem.x", "/dev/shm/sem.x is damaged: it is not a file"],
    ])("after %j says what is damaged", async (damage, text) => {
      await using memory = await freshMemory();
      await memory.resourcelock("run", "x", "--", "true");
      await memory.prepare(`rm /dev/shm/sem.x; ${damage}`);
      const lines = found(await examine(memory), "lock", "x");
      expect(lines).toEqual([expect.stringContaining(`problem ${text}`)]);
    });

    test.each([
      ["/dev/shm/x", "mkfifo"],
      ["/dev/shm/x.ledger", "mkdir"],
      ["/dev/shm/x.ledger", "ln -s /dev/null"],
      ["/dev/shm/x.ledger", "mkfifo"],
    ])("of which %s is made by %s says so, and does not count it as usable", async (path, make) => {
      await using memory = await freshMemory();
      await memory.resourcelock("run", "x", "--", "true");
      await memory.prepare(`rm ${path}; ${make} ${path}`);
      const findings = await examine(memory);
      expect(found(findings, "lock", "x")).toEqual([
        `problem ${path} is not a file, so the lock cannot be used. Delete it once no program uses the lock.`,
      ]);
      expect(found(findings, "locks")).toEqual(["ok 1, of which you may use 0."]);
      const { stdout } = await memory.resourcelock("list");
      expect(stdout).toMatch(/^x {5}damaged {2}\? {10}- {8}0 {2}-$/m);
      const { stdout: json } = await memory.resourcelock("list", "--json");
      const unknown = { locked: null, value: null, info: null };
      expect(JSON.parse(json)).toMatchObject({ state: "damaged", exists: true, ...unknown });
      const { stdout: metrics } = await memory.resourcelock("list", "--prometheus");
      expect(metrics).not.toContain("resourcelock_locked{");
    });

    test("shows no control characters of its name", async () => {
      await using memory = await freshMemory();
      await memory.prepare(String.raw`: >"/dev/shm/sem.$(printf 'a\033[31mb')"`);
      const outcome = await memory.resourcelock("doctor");
      expectShowable(outcome);
      expect(outcome.stdout).toContain(String.raw`lock "a\x1b[31mb": `);
      expectShowable(await memory.resourcelock("doctor", "--json"));
    });

    test.skipIf(!isRoot || !haveTools("setpriv"))(
      "that is not for this user says whose it is, which is no fault",
      async () => {
        await using memory = await freshMemory();
        await memory.resourcelock("get", "x", "-q");
        await memory.prepare("chmod 644 /dev/shm/x /dev/shm/sem.x /dev/shm/x.ledger");
        const outcome = await resourcelockAsNobody(memory, "doctor", "--json");
        const findings = findingsIn(outcome);
        expect(found(findings, "lock", "x")).toEqual([
          "note Belongs to user root (0), group root (0), mode 0644; you may not use it.",
        ]);
        expect(found(findings, "locks")).toEqual(["ok 1, of which you may use 0."]);
        expect(outcome.status).toBe(0);
        expect(findings.at(-1)).toMatchObject({
          user: "root (0)",
          group: "root (0)",
          mode: "0644",
        });
      },
    );

    test("with -v says of each who may use it", async () => {
      await using memory = await freshMemory();
      await memory.resourcelock("get", "x", "-q");
      const { stdout } = await memory.resourcelock("doctor", "-v");
      expect(stdout).toMatch(/^ok {7}lock "x": Belongs to user .*, mode 0600; you may use it\.$/m);
    });
  });
});

function isSettable(setting: string, value: string): boolean {
  try {
    writeFileSync(setting, value);
    return true;
  } catch (error) {
    console.warn(`skipping tests of fs.protected_regular: ${String(error)}`);
    return false;
  }
}
