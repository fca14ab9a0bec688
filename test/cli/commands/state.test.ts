import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { bash, newLockName, resourcelock, startCommand } from "../../support/binary.ts";
import {
  detachedHolder,
  jsonLines,
  masked,
  newHeldLock,
  objectsOf,
  printed,
  untilWaiting,
  heldStateText,
} from "./scenario.ts";
import { eventually } from "../../support/eventually.ts";

/** In the words of the seed. */
const seedText = (name: string, locked: "True" | "False" = "True") =>
  `<${name}> is currently locked?  <${locked}>  Prior info  <DATE - holder>\n`;

test("state tells who holds a lock, and of a free one who had it last", async () => {
  const name = await newHeldLock();
  expect(await masked("state", name)).toEqual(printed(heldStateText(name)));
  await resourcelock("unget", name);
  const { stdout } = await resourcelock("state", name);
  expect(stdout).toMatch(
    /^\S+: free; last held by holder, released (?:just now|\d+s ago) after [\d.]+m?s\n$/,
  );
  expect(await masked(name, "state")).toEqual(printed(seedText(name, "False")));
});

test("state of a lock that nobody has made says so and makes nothing", async () => {
  const name = newLockName();
  expect(await masked("state", name)).toEqual(
    printed(`${name}: free; there is no such lock yet\n`),
  );
  expect(objectsOf(name)).toEqual([]);
});

test("state --check answers by its status alone: 1 is locked, 0 is free or not made", async () => {
  const name = await newHeldLock();
  expect(await masked("state", name, "--check")).toEqual(printed("", 1));
  await resourcelock("unget", name);
  expect(await masked("--check", name, "state")).toEqual(printed(""));
  const missing = newLockName();
  expect(await masked("state", missing, "--check")).toEqual(printed(""));
  expect(objectsOf(missing)).toEqual([]);
});

test.each(["state NAME", "NAME state", "state /NAME", "/NAME state", "state -- NAME"])(
  "%s is understood, and the name is shown without a slash",
  async (words) => {
    const name = await newHeldLock();
    const isSeedOrder = words.endsWith("state");
    const outcome = printed(isSeedOrder ? seedText(name) : heldStateText(name));
    expect(await masked(...words.replace("NAME", name).split(" "))).toEqual(outcome);
  },
);

test("state paints a held lock green, one that others wait for yellow, and a free one dim", async () => {
  const name = await newHeldLock();
  const painted = async () => {
    const script = `FORCE_COLOR=1 "$RESOURCELOCK" state ${name}`;
    return (await bash(script)).stdout.replaceAll("\u001B", "ESC");
  };
  expect(await painted()).toMatch(new RegExp(`^ESC\\[1m${name}ESC\\[0mESC\\[32m: held by holder`));
  const waiter = startCommand("get", name, "-q", "-t", "1h");
  await untilWaiting(name);
  const contended = await painted();
  expect(contended).toContain("ESC[33m: held by holder");
  expect(contended).toMatch(/\nESC\[33m {2}1\. .* waits for \d+sESC\[0m\n$/);
  await resourcelock("unget", name, "-q");
  await waiter.end();
  await resourcelock("unget", name, "-q");
  expect(await painted()).toContain("ESC[2m: free; last held by cli");
});

test("state -q prints nothing", async () => {
  expect(await masked("state", await newHeldLock(), "-q")).toEqual(printed(""));
  expect(await masked("state", newLockName(), "-q")).toEqual(printed(""));
});

test("state -v prints its result once, and in the words of its order", async () => {
  const name = await newHeldLock();
  expect(await masked("state", name, "-v")).toEqual(printed(heldStateText(name)));
  expect(await masked(name, "state", "-v")).toEqual(printed(seedText(name)));
});

test("state --json prints a complete object", async () => {
  const name = await newHeldLock();
  const counts = { grants: 1, recoveries: 0 };
  const lock = { name, exists: true, info: "DATE - holder", waiters: [], ...counts };
  const held = { ...lock, locked: true, value: 0, holders: [detachedHolder("holder")] };
  expect(await jsonLines("state", name)).toEqual([held]);
  await resourcelock("unget", name);
  const free = { ...lock, locked: false, value: 1, holders: [] };
  expect(await jsonLines("state", name)).toEqual([free]);
  const missing = newLockName();
  expect(await jsonLines("state", missing)).toEqual([
    {
      name: missing,
      exists: false,
      locked: false,
      value: null,
      info: null,
      holders: [],
      waiters: [],
      grants: 0,
      recoveries: 0,
    },
  ]);
});

test("state shows an info text's control characters escaped, which is stored as it was given", async () => {
  const message = "\u001B[31mred\n\u009B1m\u202E";
  const name = await newHeldLock(message);
  expect(readFileSync(`/dev/shm/${name}`, "utf8")).toContain(` - ${message}\0`);
  const { stdout } = await masked("state", name);
  expect(stdout).toBe(heldStateText(name, String.raw`\x1b[31mred\n\x9b1m\u202e`));
  const [state] = await jsonLines("state", name);
  expect(state).toMatchObject({ info: `DATE - ${message}` });
  const json = await resourcelock("state", name, "--json");
  // oxlint-disable-next-line no-control-regex
  expect(json.stdout.trimEnd()).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202E]/);
});

test("state tells of several locks, and --check is 1 when one of them is locked", async () => {
  const [held, free] = [await newHeldLock(), newLockName()];
  expect(await jsonLines("state", held, free)).toMatchObject([
    { name: held, locked: true },
    { name: free, exists: false },
  ]);
  expect((await resourcelock("state", held, free, "--check")).status).toBe(1);
  expect((await resourcelock("state", free, free, "--check")).status).toBe(0);
});

test("state and history tell the name of a slot that has one, and its number beside it", async () => {
  const name = newLockName();
  const run = startCommand("run", name, "--slots", "ttyUSB0,ttyUSB1", "-m", "flash", "--", "cat");
  await eventually(
    "a holder",
    async () => (await resourcelock("state", name, "--check")).status === 1,
  );
  expect((await resourcelock("state", name)).stdout).toMatch(
    /^\S+: 1 of 2 slots held\n {2}slot ttyUSB0: flash \(pid \d+\) for \d+s\n$/,
  );
  expect(await jsonLines("state", name)).toMatchObject([
    { holders: [{ slot: 0, slotName: "ttyUSB0", command: "flash" }] },
  ]);
  await run.endInput();
  await run.end();
  expect((await resourcelock("history", name)).stdout).toMatch(/ slot ttyUSB0 /);
  await resourcelock("run", name, "--slots", "2", "--", "true");
  const [, numbered] = await jsonLines("history", name);
  expect(numbered).not.toHaveProperty("slotName");
});

const mine = (name: string) => `"$RESOURCELOCK" state ${name} --mine; echo $?`;

describe("state --mine", () => {
  test("is 0 inside a run of the lock, with an empty environment, too", async () => {
    const name = newLockName();
    const empty = `env -i RESOURCELOCK="$RESOURCELOCK" sh -c '${mine(name)}'`;
    const { stdout } = await resourcelock("run", name, "-c", `${mine(name)}; ${empty}`);
    expect(stdout).toBe("0\n0\n");
  });

  test("is 1 in what outlives the run that it inherited its environment from", async () => {
    const name = newLockName();
    const { stdout } = await resourcelock("run", name, "--", "sh", "-c", "env");
    const claim = /^RESOURCELOCK_HELD=.*$/m.exec(stdout)?.[0] ?? "";
    expect(claim).toContain(name);
    const other = startCommand("run", name, "--", "sh", "-c", "echo runs; read -r line");
    await other.stdout.until("runs");
    expect((await bash(`export ${claim}; ${mine(name)}`)).stdout).toBe("1\n");
  });

  test("is 0 when the hold is bound to this process or an ancestor, 1 when it is detached", async () => {
    const name = newLockName();
    const bind = `"$RESOURCELOCK" get ${name} -q --owner-pid $$`;
    const { stdout } = await bash(`${mine(name)}; ${bind}; (${mine(name)}); ( ( ${mine(name)} ) )`);
    expect(stdout).toBe("1\n0\n0\n");
    const detached = await newHeldLock();
    expect((await bash(mine(detached))).stdout).toBe("1\n");
  });
});
