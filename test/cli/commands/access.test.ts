/** `--mode` and `--group`: who may use a lock that is made. */
import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { haveMountNamespaces, PrivateSharedMemory } from "../../faults/private-shared-memory.ts";
import { bash, haveTools, newLockName, resourcelock } from "../../support/binary.ts";
import { binary } from "../../support/process.ts";
import { objectsOf } from "./scenario.ts";

const modesOf = (name: string) =>
  objectsOf(name).map((file) => (statSync(`/dev/shm/${file}`).mode & 0o7777).toString(8));

describe("--mode", () => {
  test.each(["get NAME -q --mode MODE", "run NAME --mode MODE -- true"])(
    "%s makes all objects with it, whatever the umask",
    async (command) => {
      for (const mode of ["0660", "644"]) {
        const name = newLockName();
        const words = command.replace("NAME", name).replace("MODE", mode);
        const { status, stderr } = await bash(`umask 0077; "$RESOURCELOCK" ${words}`);
        expect([status, stderr]).toEqual([0, ""]);
        expect(modesOf(name)).toEqual(Array(3).fill(mode.slice(-3)));
      }
    },
  );

  test("changes nothing of a lock that exists", async () => {
    const name = newLockName();
    await resourcelock("get", name, "-q", "-a", "0");
    expect((await resourcelock("get", name, "-q", "--mode", "0666")).status).toBe(0);
    expect(modesOf(name)).toEqual(["600", "600", "600"]);
    await resourcelock("unget", name);
    const run = await resourcelock("run", name, "--mode", "0666", "true");
    expect(run).toEqual({
      status: 0,
      stdout: "",
      stderr: expect.stringMatching(
        /^resourcelock: warning: lock ".*" exists already, with mode 0600 and group \S+: --mode has no effect\n$/,
      ),
    });
    expect((await resourcelock("run", name, "--mode", "0600", "true")).stderr).toBe("");
  });

  test.each(["rw", "0888", "1660", "66", "", "0440"])("%j is wrong usage", async (mode) => {
    const name = newLockName();
    expect((await resourcelock("get", name, `--mode=${mode}`)).status).toBe(64);
    expect(objectsOf(name)).toEqual([]);
  });
});

test("--group of a group that there is not is wrong usage, and nothing is made", async () => {
  const name = newLockName();
  const { status, stderr } = await resourcelock("run", name, "--group", "no-such", "--", "true");
  expect([status, stderr.split("\n")[0]]).toEqual([
    64,
    'resourcelock: Cannot create a lock for group "no-such": there is no such group',
  ]);
  expect(objectsOf(name)).toEqual([]);
});

const canBeOthers =
  process.getuid?.() === 0 && haveTools("setpriv") && (await haveMountNamespaces());

const as = (user: number, group: number) => [
  "setpriv",
  `--reuid=${user}`,
  `--regid=${user}`,
  `--groups=${group}`,
  binary,
];

describe.skipIf(!canBeOthers)("a lock of a group", () => {
  const shared = 54_321;
  const member = as(50_001, shared);
  const other = as(50_002, 50_002);

  test("is used by root and by its members together, by nobody else", async () => {
    await using host = await PrivateSharedMemory.mount("size=1m,mode=1777");
    await host.prepare(`umask 077; ${binary} get x -q --group ${shared}`);
    expect(await host.run(...member, "get", "x", "-q", "-t", "0")).toMatchObject({ status: 75 });
    expect(await host.run(...member, "unget", "x", "-q")).toMatchObject({ status: 0 });
    expect(await host.run(...member, "run", "x", "--", "true")).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(await host.run(...other, "get", "x", "-q")).toMatchObject({ status: 77 });
    expect(await host.resourcelock("run", "x", "-n", "--", "true")).toMatchObject({ status: 0 });
  });

  test("is made by a member, and what is lost of it is made anew for the group", async () => {
    await using host = await PrivateSharedMemory.mount("size=1m,mode=1777");
    await host.run(...member, "get", "x", "-q", "-a", "0", "--group", String(shared));
    const permissions = async () =>
      (await host.run("stat", "-c", "%a %g", "/dev/shm/x", "/dev/shm/sem.x", "/dev/shm/x.ledger"))
        .stdout;
    const expected = `660 ${shared}\n`.repeat(3);
    expect(await permissions()).toBe(expected);
    for (const file of ["x", "sem.x", "x.ledger"]) {
      await host.prepare(`rm /dev/shm/${file}`);
      await host.run(...member, "get", "x", "-q", "-a", "0");
      expect(await permissions()).toBe(expected);
    }
  });

  test("cannot be made by who is not in the group: status 77, and nothing is made", async () => {
    await using host = await PrivateSharedMemory.mount("size=1m,mode=1777");
    expect(await host.run(...other, "get", "x", "--group", String(shared))).toEqual({
      status: 77,
      stdout: "",
      stderr: 'resourcelock: Cannot create lock "x" for that group: you are not a member of it\n',
    });
    expect(host.files).toEqual({});
  });
});
