/** What `doctor` finds about servers. */
import { describe, expect, test } from "bun:test";
import { checkServers } from "../../src/etcd/server-check.ts";
import { binary, runToEnd } from "../support/process.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { answer, FakeGateway } from "./fake-gateway.ts";

useCluster();

/** A member of some version, with some alarms. */
function member(version: string, errors: string[] = []) {
  return new FakeGateway(({ path }) =>
    path.endsWith("status") ? answer({ version, leader: "9", errors }) : answer({ count: "0" }),
  );
}

const verdicts = async (server: FakeGateway) =>
  (await checkServers(server.url, {})).map(({ verdict }) => verdict);

describe("checkServers()", () => {
  test.each([
    ["3.4.23", "warning"],
    ["3.4.31", "ok"],
    ["3.5.12", "warning"],
    ["3.5.13", "ok"],
    ["3.6.0-rc.1", "ok"],
    ["4.0.0", "ok"],
    ["3.3.9", "warning"],
  ] as const)("checkServers() finds leases of etcd %s: %s", async (version, verdict) => {
    await using server = member(version);
    expect(await verdicts(server)).toEqual([verdict, "ok"]);
  });

  test("checkServers() finds a server without space", async () => {
    await using server = member("3.5.13", ["memberID:9 alarm:NOSPACE "]);
    expect(await verdicts(server)).toEqual(["problem"]);
  });

  test("checkServers() finds a server that is not there, and one that is no etcd", async () => {
    await using other = new FakeGateway(() => new Response("hello"));
    const findings = await checkServers(`http://127.0.0.1:1,${other.url}`, {});
    expect(findings.map(({ verdict }) => verdict)).toEqual(["problem", "problem"]);
  });

  test("checkServers() finds a list that cannot be used", async () => {
    const [finding] = await checkServers("ftp://a", {});
    expect(finding?.verdict).toBe("problem");
    expect(finding?.text).toContain("neither http:// nor https://");
  });

  etcdTest("doctor tells of a real server", async () => {
    const words = ["doctor", "--json", "--server", theCluster().servers];
    const { stdout } = await runToEnd([binary, ...words]);
    expect(stdout).toContain('"check":"server http://127.0.0.1:');
    expect(stdout).toContain('"check":"server rights","verdict":"ok"');
  });
});
