/** Jobs that would wait for each other for ever: one of them is told, and what stands is shown. */
import { describe, expect, test } from "bun:test";
import { newLockName, resourcelock, startScript } from "../../support/binary.ts";
import { start, type TestProcess } from "../../support/process.ts";
import { eventually } from "../../support/eventually.ts";

/** A job that takes one lock, and inside of it, once it is told to, another one. */
async function nested(outer: string, inner: string, message: string): Promise<TestProcess> {
  const script = `echo has ${outer}; read -r line; "$RESOURCELOCK" run ${inner} -m 'inner ${message}' -- echo got both; echo "status $?"`;
  const job = startScript(`"$RESOURCELOCK" run ${outer} -m ${message} -- sh -c "$SCRIPT"`, {
    env: { SCRIPT: script },
  });
  await job.stdout.line("has");
  return job;
}

describe("run", () => {
  test("gives up the younger one of two waits inside each other's locks, and names the circle", async () => {
    const [disk, net] = [newLockName("-disk"), newLockName("-net")];
    const backup = await nested(disk, net, "backup");
    const deploy = await nested(net, disk, "deploy");
    await backup.tell("\n");
    await eventually("a wait for the second lock", async () => {
      const { stdout } = await resourcelock("state", net);
      return stdout.includes("inner backup");
    });
    await deploy.tell("\n");
    const young = await deploy.end();
    expect(young.stdout).toContain("status 75\n");
    const circle = `it is behind pid N (backup), which waits for lock "${net}" behind this one`;
    expect(young.stderr.replaceAll(/pid \d+/g, "pid N")).toContain(
      `lock "${disk}": gave up, because the wait would never end: ${circle}\n`,
    );
    expect((await backup.end()).stdout).toContain("got both\nstatus 0\n");
    const { stdout } = await resourcelock("history", disk);
    expect(stdout).toMatch(/inner deploy .* deadlock\n/);
  });

  test("waits for a holder that it asked to leave when that waits behind it", async () => {
    const [disk, net] = [newLockName("-disk"), newLockName("-net")];
    const inner = `trap '' TERM; echo has; read -r line; "$RESOURCELOCK" run ${net} -m inner -- true`;
    const old = startScript(
      `"$RESOURCELOCK" run ${disk} --replace --kill-after 2 -- sh -c "$SCRIPT"`,
      { env: { SCRIPT: inner } },
    );
    await old.stdout.line("has");
    const script = `echo has; read -r line; "$RESOURCELOCK" run ${disk} --replace -- echo got both`;
    const next = startScript(`"$RESOURCELOCK" run ${net} -- sh -c "$SCRIPT"`, {
      env: { SCRIPT: script },
    });
    await next.stdout.line("has");
    await old.tell("\n");
    await eventually("a wait for the second lock", async () => {
      const { stdout } = await resourcelock("state", net);
      return stdout.includes("inner");
    });
    await next.tell("\n");
    expect(await next.end()).toMatchObject({ status: 0, stdout: "has\ngot both\n" });
    expect((await old.end()).status).toBe(137);
  });

  test("waits on behind a job that waits for something else", async () => {
    const [disk, net] = [newLockName("-disk"), newLockName("-net")];
    const backup = await nested(disk, net, "backup");
    const upload = startScript(`"$RESOURCELOCK" run ${net} -- sh -c 'echo has; read -r line'`);
    await upload.stdout.line("has");
    await backup.tell("\n");
    const last = startScript(`"$RESOURCELOCK" run ${disk} -t 3 -- true`);
    expect((await last.end()).stderr).toContain("gave up after 3");
    await upload.tell("\n");
    expect((await backup.end()).stdout).toContain("got both\nstatus 0\n");
  });
});

/** A user of the library, by the lock that it has. */
const userText = (pid: number | undefined, name: string) => `pid ${pid} (has ${name.at(-1)})`;

test("state, list and doctor show a circle that stands, as its programs do not look", async () => {
  const names = [newLockName("-a"), newLockName("-b")];
  const library = `${import.meta.dir}/../../../src/index.ts`;
  const code = `
    import { ResourceLock } from ${JSON.stringify(library)};
    const [one, other] = process.argv.slice(-2);
    new ResourceLock(one).getLock({ lockInfo: "has " + one.at(-1) });
    console.log("has", one);
    for await (const line of console) break;
    new ResourceLock(other).getLock({ timeout: null });`;
  const users = [names, names.toReversed()].map((both) =>
    start([process.execPath, "-e", code, ...both]),
  );
  for (const user of users) await user.stdout.line("has");
  for (const user of users) await user.tell("\n");
  const [a = "", b = ""] = names;
  const [first, second] = users.map(({ pid }) => pid);
  const link = `which waits for lock "${b}" behind`;
  const { stdout } = await eventually("a circle in state", async () => {
    const found = await resourcelock("state", a);
    return found.stdout.includes("deadlock:") && found;
  });
  const circle = `waits for lock "${a}" behind ${userText(first, a)}, ${link} ${userText(second, b)}`;
  expect(stdout).toContain(`  deadlock: pid ${second} ${circle}\n`);
  expect((await resourcelock("list")).stdout).toContain("deadlock: pid");
  const shown = { deadlocks: [expect.stringContaining(`pid ${second} ${circle}`)] };
  expect(JSON.parse((await resourcelock("state", a, "--json")).stdout)).toMatchObject(shown);
  const listed = (await resourcelock("list", "--json")).stdout.trimEnd().split("\n");
  const both = listed.map((line) => JSON.parse(line)).filter(({ name }) => names.includes(name));
  expect(both).toMatchObject([shown, shown]);
  const doctor = await resourcelock("doctor");
  expect(doctor.status).toBe(1);
  expect(doctor.stdout).toContain("Waiting would never end: pid");
  expect((await resourcelock("state", newLockName())).stdout).not.toContain("deadlock");
});
