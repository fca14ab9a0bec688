/** run is killed or stopped at each of its requests, before the server has it and after: never are two inside. */
import { afterAll, describe, expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, runToEnd, start, type TestProcess } from "../support/process.ts";
import { casesOf } from "../support/binary.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { eventually } from "../support/eventually.ts";

const directory = mkdtempSync(join(tmpdir(), "resourcelock-steps-"));
useCluster();
afterAll(() => rmSync(directory, { recursive: true }));

/** The requests of a run, by their numbers. */
const steps = [
  [1, "the grant of its lease"],
  [2, "its grant"],
  [3, "its release"],
] as const;

const cases = steps.flatMap(([number, step]) =>
  (["before", "after"] as const).flatMap((moment) =>
    (["SIGKILL", "SIGSTOP"] as const).map((signal) => ({ number, step, moment, signal })),
  ),
);

/** Hands requests on to the server, but for the moment of one of them, in which something else is done. */
function wayWith(
  { number, moment }: (typeof cases)[number],
  act: () => Promise<void>,
): FakeGateway {
  let requests = 0;
  return new FakeGateway(async ({ path, body }) => {
    requests += 1;
    const isIt = requests === number;
    if (isIt && moment === "before") await act();
    const init = { method: "POST", body: JSON.stringify(body), proxy: false } as RequestInit;
    const response = await fetch(`${theCluster().servers}${path}`, init);
    if (isIt && moment === "after") await act();
    return response;
  });
}

const inside = (path: string, who: string) =>
  `echo "${who} in" >>"${path}"; sleep 0.1; echo "${who} out" >>"${path}"`;

describe("run --server", () => {
  etcdTest.each(casesOf(5, cases))(
    "run leaves the lock to the next one when it gets $signal $moment $step",
    async (fault) => {
      const name = `step-${fault.number}-${fault.moment}-${fault.signal}`;
      const path = join(directory, name);
      const hit = Promise.withResolvers<TestProcess>();
      let isHit = false;
      await using way = wayWith(fault, async () => {
        const victim = await hit.promise;
        if (fault.signal === "SIGKILL") await victim.kill();
        else await victim.stop();
        isHit = true;
      });
      const words = ["run", "--ttl", "2", "--server", way.url, name];
      const victim = start([binary, ...words, "sh", "-c", inside(path, "victim")]);
      hit.resolve(victim);
      await eventually("the fault", () => isHit);
      const rival = [
        "run",
        "--server",
        theCluster().servers,
        name,
        "sh",
        "-c",
        inside(path, "rival"),
      ];
      expect(await runToEnd([binary, ...rival])).toMatchObject({ status: 0 });
      if (fault.signal === "SIGSTOP") {
        victim.resume();
        // Its lease has ended: it takes a new place, or has lost a lock whose command had ended.
        const { status } = await victim.end();
        expect(fault.number === 3 ? [0, 69] : [0]).toContain(status);
      }
      const told = readFileSync(path, "utf8").split("\n");
      expect(told.filter((line) => line.startsWith("victim in")).length).toBeLessThanOrEqual(1);
      for (const [index, line] of told.entries()) {
        if (line.endsWith(" in")) expect(told[index + 1]).toBe(line.replace(" in", " out"));
      }
      await eventually(
        "an empty queue",
        async () => (await theCluster().keys(`${name}/`)).length === 0,
      );
    },
  );
});
