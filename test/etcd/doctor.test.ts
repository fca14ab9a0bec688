/** What `doctor` finds about servers. */
import { describe, expect, test } from "bun:test";
import { checkServers, skewSeconds } from "../../src/etcd/server-check.ts";
import { binary, runToEnd } from "../support/process.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { answer, FakeGateway, headerOf } from "./fake-gateway.ts";

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

  test("checkServers() repeats neither the URL of a server nor a status", async () => {
    await using other = new FakeGateway(
      () => new Response("404 page not found\n", { status: 404 }),
    );
    const [finding] = await checkServers(other.url, {});
    expect(finding?.text).toStartWith("Cannot use it: it says 404 page not found; is this ");
    const [absent] = await checkServers("http://127.0.0.1:1", {});
    expect(absent?.text).toBe("Cannot reach it: the connection was refused.");
  });

  test("checkServers() finds a server that is not there, and one that is no etcd", async () => {
    await using other = new FakeGateway(() => new Response("hello"));
    const findings = await checkServers(`http://127.0.0.1:1,${other.url}`, {});
    expect(findings.map(({ verdict }) => verdict)).toEqual(["problem", "problem"]);
  });

  test.each([
    ["behind", -60_000],
    ["ahead of", 60_000],
  ])("checkServers() finds a clock that is %s this one", async (direction, milliseconds) => {
    await using server = new FakeGateway(() => {
      const date = new Date(Date.now() + milliseconds).toUTCString();
      const fields = { header: headerOf(), version: "3.5.13", leader: "9", count: "0" };
      return Response.json(fields, { headers: { date } });
    });
    const clock = (await checkServers(server.url, {})).find(({ check }) =>
      check.startsWith("clock"),
    );
    expect(clock?.verdict).toBe("note");
    expect(clock?.text).toMatch(new RegExp(`^It is \\d+ s ${direction} this host's`));
  });

  test.each([
    ["the same second", 10_000, 10_500, 0],
    ["a second that may have just ended", 9000, 10_200, -0.2],
    ["a server that takes its time", 10_000, 10_100, 0],
    ["a clock that is behind", 5000, 10_000, -4],
    ["a clock that is ahead", 20_000, 10_500, 9],
  ])("skewSeconds() is sure of %s", (_, shown, askedAt, seconds) => {
    const answeredAt = askedAt + 500;
    const date = new Date(shown).toUTCString();
    expect(skewSeconds(date, askedAt, answeredAt)).toBeCloseTo(seconds);
  });

  test("skewSeconds() is 0 without a date, or with garbage in its place", () => {
    expect(skewSeconds(null, 1, 2)).toBe(0);
    expect(skewSeconds("yesterday", 1, 2)).toBe(0);
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

  etcdTest("doctor --held-over tells of locks of the server, and how to release them", async () => {
    const { servers } = theCluster();
    await runToEnd([binary, "get", "long-held", "--server", servers, "-q", "-m", "repair"]);
    const words = ["doctor", "--held-over", "1ms", "--server", servers];
    const { status, stdout } = await runToEnd([binary, ...words]);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^warning {2}server lock "long-held": Held by repair \(no process on \S+\) for \d+s, longer than 0s\./m,
    );
    expect(stdout).toContain(`resourcelock unget --server ${servers} long-held\n`);
    const quiet = await runToEnd([binary, ...words, "-q"]);
    expect(quiet.stdout).toContain('server lock "long-held"');
    expect(quiet.stdout).not.toMatch(/^(?:ok|note|All) /m);
    await runToEnd([binary, "unget", "long-held", "--server", servers, "-q"]);
  });
});
