/** Processes of another PID namespace, as in a container that shares /dev/shm: their numbers mean nothing here. */
import { expect, test } from "bun:test";
import { doWithout, haveTools, newLockName, resourcelock } from "../support/binary.ts";
import { binary, start, type TestProcess } from "../support/process.ts";
import { eventually } from "../support/eventually.ts";

/** Runs a command as the first process of a PID namespace of its own. */
const unshare = [
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
];

const canUnshare =
  haveTools("unshare") &&
  (Bun.spawnSync([...unshare, "true"]).success || doWithout("PID namespaces"));

/** Starts a shell as the first process of a PID namespace. */
function inNamespace(script: string): TestProcess {
  return start([...unshare, "sh", "-c", script]);
}

async function stateOf(name: string) {
  return JSON.parse((await resourcelock("state", name, "--json")).stdout);
}

test.skipIf(!canUnshare)("run does not take over from an owner of another namespace", async () => {
  const name = newLockName();
  const script = `"$RESOURCELOCK" get ${name} -q --owner-pid $$ && echo held; read line`;
  const shell = inNamespace(script);
  expect(await shell.stdout.nextLine()).toBe("held");
  // Its number is 1, as that of a process here that was started long before it.
  expect((await stateOf(name)).holders).toMatchObject([
    { attachment: "bound", pid: null, namespacePid: 1 },
  ]);
  const shown = (await resourcelock("state", name)).stdout;
  expect(shown).toContain("bound to pid 1 of another PID namespace");
  expect((await resourcelock("run", name, "-n", "-q", "--", "true")).status).toBe(75);
  expect((await resourcelock("doctor")).stdout).toContain("pid 1 of another PID namespace");
  // Nor is it the process of that number here that is meant.
  expect((await resourcelock("unget", name, "--owner-pid", "1", "-q")).status).toBe(0);
  expect((await stateOf(name)).locked).toBe(true);
});

test.skipIf(!canUnshare)("run takes over in the namespace of an owner that ended", async () => {
  const name = newLockName();
  const script = `
    sleep 1000 & "$RESOURCELOCK" get ${name} -q --owner-pid $!
    kill -9 $!; wait $!
    "$RESOURCELOCK" run ${name} -q -t 30 -- echo granted`;
  const shell = inNamespace(script);
  expect(await shell.stdout.nextLine()).toBe("granted");
});

test.skipIf(!canUnshare)(
  "run waits for a holder of another namespace, whatever its number",
  async () => {
    const name = newLockName();
    // Process 1 of its namespace: here that is an ancestor of everybody.
    const script = `exec "$RESOURCELOCK" run ${name} -q -- sh -c "echo held; read line"`;
    const holder = inNamespace(script);
    expect(await holder.stdout.nextLine()).toBe("held");
    const waiter = start([binary, "run", name, "-q", "-t", "60", "--", "echo", "granted"]);
    const state = await eventually("a waiter", async () => {
      const seen = await stateOf(name);
      return seen.waiters.length > 0 && seen;
    });
    expect(state.holders).toMatchObject([{ attachment: "attached", pid: null, namespacePid: 1 }]);
    expect((await resourcelock("state", name, "--mine", "-q")).status).toBe(1);
    await holder.tell("\n");
    expect(await waiter.end()).toMatchObject({ status: 0, stdout: "granted\n" });
    const history = (await resourcelock("history", name, "--json")).stdout.trim().split("\n");
    expect(JSON.parse(history[0] ?? "")).toMatchObject({ pid: null, namespacePid: 1 });
  },
);

test.skipIf(!canUnshare)("run says that it was forced from another namespace", async () => {
  const name = newLockName();
  const holder = start([binary, "run", name, "--", "sh", "-c", "echo held; read line"]);
  expect(await holder.stdout.nextLine()).toBe("held");
  const other = inNamespace(`"$RESOURCELOCK" unget ${name} -q; echo done; read line`);
  expect(await other.stdout.nextLine()).toBe("done");
  await holder.tell("\n");
  const { status, stderr } = await holder.end();
  expect({ status, stderr }).toMatchObject({ status: 69 });
  expect(stderr).toMatch(/by force by pid \d+ of another PID namespace while the command ran/);
});
