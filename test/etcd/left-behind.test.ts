/** Requests whose answers are lost, or that come late: no key stays in a queue that nobody waits or holds by. */
import { describe, expect } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { binary, runToEnd, start, type TestProcess } from "../support/process.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { silence, wayTo } from "./way.ts";

useCluster();

const isPut = (text: string, name: string) => text.includes("request_put") && has(text, name);
const isDeletion = (text: string) => text.includes("request_delete_range");
/** Whether a request names the key of a lock's place: base64 of what is a multiple of 3 bytes stands in it as it is. */
const has = (text: string, name: string) => text.includes(btoa(`${name}/`));

const ask = async (session: TestProcess, request: string): Promise<string> => {
  await session.tell(`${request}\n`);
  return await session.stdout.nextLine();
};

const keysOf = (name: string) => theCluster().keys(`${name}/`);
const noKeyOf = (name: string) =>
  eventually(`empty queue of ${name}`, async () => (await keysOf(name)).length === 0);

/** Sends the first request that makes a key of a lock late: when the test says so. */
function lateWay(name: string) {
  const late = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<string>();
  let isFirst = true;
  const way = wayTo(theCluster().servers, async ({ text }, pass) => {
    if (!isFirst || !isPut(text, name)) return await pass();
    isFirst = false;
    await late.promise;
    const answer = await (await pass()).text();
    arrived.resolve(answer);
    return new Response(answer);
  });
  return { way, deliver: late.resolve, arrived: arrived.promise };
}

describe("a request to a server", () => {
  etcdTest("session takes a place out of the queue when it could not leave at once", async () => {
    let isHung = false;
    await using way = wayTo(theCluster().servers, async ({ text }, pass) => {
      if (!isHung || !has(text, "left-two")) return await pass();
      // It is carried out, but its answer is lost; and the request that would undo it is, too.
      if (!isDeletion(text)) await pass();
      return await silence();
    });
    const session = start([binary, "session", "--server", way.url]);
    expect(await ask(session, "get left-one")).toStartWith("0 ");
    isHung = true;
    expect(await ask(session, "get left-two -t 1 --shared")).toStartWith("69 ");
    expect(await keysOf("left-two")).toHaveLength(1);
    isHung = false;
    // It is not taken for a hold of this request, which asks for another kind.
    const again = await ask(session, "get left-two -t 30");
    expect(again).toBe("0 left-two: locked");
    const rival = ["run", "-n", "--shared", "--server", theCluster().servers, "left-two", "true"];
    expect((await runToEnd([binary, ...rival])).status).toBe(75);
    expect(await ask(session, "unget left-two")).toStartWith("0 ");
    await noKeyOf("left-two");
    expect(await keysOf("left-one")).toHaveLength(1);
  });

  etcdTest("session frees a lock when the answer to its release is lost", async () => {
    let isHung = false;
    await using way = wayTo(theCluster().servers, async ({ text }, pass) =>
      isHung && isDeletion(text) && has(text, "left-4th") ? await silence() : await pass(),
    );
    const session = start([binary, "session", "--ttl", "3", "--server", way.url]);
    expect(await ask(session, "get left-3rd")).toStartWith("0 ");
    expect(await ask(session, "get left-4th")).toStartWith("0 ");
    isHung = true;
    const answer = ask(session, "unget left-4th");
    await eventually("an answer", () => session.stdout.text.includes("released"));
    expect(await answer).toStartWith("0 ");
    isHung = false;
    await noKeyOf("left-4th");
    expect(await keysOf("left-3rd")).toHaveLength(1);
  });

  etcdTest("run leaves no key when a copy of its request arrives after its end", async () => {
    const { way, deliver, arrived } = lateWay("late-run");
    await using _ = way;
    const words = [
      "run",
      "--server",
      `${way.url},${theCluster().servers}`,
      "late-run",
      "echo",
      "in",
    ];
    expect(await runToEnd([binary, ...words])).toEqual({ status: 0, stdout: "in\n", stderr: "" });
    deliver();
    await arrived;
    expect(await keysOf("late-run")).toEqual([]);
  });

  etcdTest("session frees a lock again when a copy of its request arrives later", async () => {
    const { way, deliver, arrived } = lateWay("late-ask");
    await using _ = way;
    const session = start([binary, "session", "--server", `${way.url},${theCluster().servers}`]);
    expect(await ask(session, "get late-2nd")).toStartWith("0 ");
    expect(await ask(session, "get late-ask")).toStartWith("0 ");
    expect(await ask(session, "unget late-ask")).toStartWith("0 ");
    deliver();
    expect(await arrived).toContain('"succeeded":true');
    await noKeyOf("late-ask");
    expect(await keysOf("late-2nd")).toHaveLength(1);
  });
});
