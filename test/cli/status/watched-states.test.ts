import { expect, test } from "bun:test";
import { rareLooks, WatchedStates } from "../../../src/cli/status/watched-states.ts";
import { MemoryEngine } from "../../support/memory-engine.ts";
import { eventually } from "../../support/eventually.ts";

test("WatchedStates.look() has each lock as it was told of last", async () => {
  const engine = new MemoryEngine();
  using states = new WatchedStates(engine, ["disk", "net"]);
  expect((await states.look()).map(({ name, locked }) => [name, locked])).toEqual([
    ["disk", false],
    ["net", false],
  ]);
  const grant = await engine.acquire("disk", { message: "backup", timeoutSeconds: 0 });
  const isHeld = async () => (await states.look()).some(({ locked }) => locked);
  await eventually("news of the grant", isHeld);
  if (grant.granted) await grant.release();
  await eventually("news of the release", async () => !(await isHeld()));
});

async function* endedWatch(): AsyncGenerator<undefined> {
  yield undefined;
  throw new Error("the server is gone");
}

test("WatchedStates.look() throws what ended a watch", async () => {
  const engine = new MemoryEngine();
  engine.watch = endedWatch;
  using states = new WatchedStates(engine, ["disk"]);
  const failure = () =>
    states.look().then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(await eventually("the failure", failure)).toEqual(new Error("the server is gone"));
});

test("rareLooks() gives what was seen last until another look is due", async () => {
  let looks = 0;
  const look = rareLooks(async () => {
    looks += 1;
    return [];
  });
  await look();
  await look();
  expect(looks).toBe(1);
});
