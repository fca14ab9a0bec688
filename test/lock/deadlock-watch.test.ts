import { expect, test } from "bun:test";
import type { SeenQueue } from "../../src/lock/circle.ts";
import { DeadlockWatch } from "../../src/lock/deadlock-watch.ts";
import type { HolderStatus, ParticipantStatus } from "../../src/lock/status.ts";

const waiter = (pid: number, since = pid): ParticipantStatus => ({
  pid,
  command: "",
  since,
  kind: "exclusive",
});
const holder = (pid: number): HolderStatus => ({
  ...waiter(pid),
  attachment: "attached",
  token: 1,
  slot: null,
  slots: null,
});

/** Surroundings of process 1 that count what is looked at. */
function surroundings(queues: SeenQueue[], heldNames?: string[]) {
  const looks: string[] = [];
  let seconds = 0;
  return {
    looks,
    pass: (more: number) => (seconds += more),
    list: async () => {
      looks.push("all");
      return queues;
    },
    inspect: async (name: string) => {
      looks.push(name);
      return queues.find((queue) => queue.name === name);
    },
    clock: () => seconds,
    ancestry: ({ pid }: { pid: number | null }) => (pid === null ? [] : [pid]),
    own: { pid: 1 },
    heldNames,
  };
}

test("look() looks at all locks once, and then only at those that its process holds", async () => {
  const queues = [
    { name: "mine", holders: [holder(1)], waiters: [] as ParticipantStatus[] },
    { name: "other", holders: [holder(2)], waiters: [waiter(1)] },
  ];
  const around = surroundings(queues);
  const watch = new DeadlockWatch("other", around);
  expect(await watch.look()).toBeUndefined();
  expect(await watch.look()).toBeUndefined();
  expect(around.looks).toEqual(["all", "mine"]);
  // The holder comes to wait for it, and is the younger one.
  queues[0]?.waiters.push(waiter(2));
  for (let look = 0; look < 8; look++) expect(await watch.look()).toBeUndefined();
  expect((await watch.look())?.map(({ lockName }) => lockName)).toEqual(["other", "mine"]);
});

test("look() takes a waiter at the semaphore for no holder, as it would wait for itself", async () => {
  const queues = [{ name: "other", holders: [{ ...holder(1), token: 0 }], waiters: [waiter(1)] }];
  const around = surroundings(queues);
  const watch = new DeadlockWatch("other", around);
  expect(await watch.look()).toBeUndefined();
  expect(await watch.look()).toBeUndefined();
  expect(around.looks).toEqual(["all"]);
});

test("look() of a process that holds nothing looks at all locks again after half a minute", async () => {
  const around = surroundings([{ name: "other", holders: [holder(2)], waiters: [waiter(1)] }]);
  const watch = new DeadlockWatch("other", around);
  for (let count = 0; count < 3; count++) await watch.look();
  expect(around.looks).toEqual(["all"]);
  around.pass(31);
  await watch.look();
  expect(around.looks).toEqual(["all", "all"]);
});

test("look() goes on at the next look when one does not see all locks", async () => {
  const queues = [
    { name: "mine", holders: [holder(1)], waiters: [waiter(2, 0)] },
    { name: "other", holders: [holder(2)], waiters: [waiter(1)] },
  ];
  const answers = [undefined, undefined, queues];
  const list = async () => answers.shift();
  const watch = new DeadlockWatch("other", { ...surroundings(queues), list });
  expect(await watch.look()).toBeUndefined();
  expect(await watch.look()).toBeUndefined();
  expect(await watch.look()).toHaveLength(2);
});

test("look() finds no circle that is gone when its locks are looked at again", async () => {
  const queues = [
    { name: "mine", holders: [holder(1)], waiters: [waiter(2, 0)] },
    { name: "other", holders: [holder(2)], waiters: [waiter(1)] },
    { name: "third", holders: [holder(1)], waiters: [] },
  ];
  let now: SeenQueue[] = queues.filter(({ name }) => name === "other");
  const asked: (readonly string[])[] = [];
  const lookAgain = (names: readonly string[]) => {
    asked.push(names);
    return now;
  };
  const watch = new DeadlockWatch("other", { ...surroundings(queues), lookAgain });
  expect(await watch.look()).toBeUndefined();
  expect(asked).toEqual([["other", "mine"]]);
  now = queues;
  expect(await watch.look()).toHaveLength(2);
});

test("look() with names of held locks looks at these first, and at all once somebody waits", async () => {
  const queues = [
    { name: "mine", holders: [holder(1)], waiters: [waiter(2, 0)] },
    { name: "other", holders: [holder(2)], waiters: [waiter(1)] },
  ];
  const around = surroundings(queues, ["mine"]);
  const circle = await new DeadlockWatch("other", around).look();
  expect(around.looks).toEqual(["mine", "all"]);
  expect(circle).toHaveLength(2);
});
