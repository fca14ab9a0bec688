import { describe, expect, test } from "bun:test";
import { parseServerList } from "../../src/etcd/server-list.ts";

describe("parseServerList()", () => {
  test.each([
    ["http://10.0.0.1:2379", ["http://10.0.0.1:2379"]],
    ["10.0.0.1", ["http://10.0.0.1:2379"]],
    ["etcd1:2379, etcd2:2379/", ["http://etcd1:2379", "http://etcd2:2379"]],
    ["https://etcd1", ["https://etcd1:2379"]],
    ["http://etcd1:80", ["http://etcd1"]],
    ["http://[::1]:2379", ["http://[::1]:2379"]],
    ["http://a:1,http://a:1", ["http://a:1"]],
  ])("parseServerList() reads %p", (text, endpoints) => {
    expect(parseServerList(text)).toEqual(endpoints);
  });

  test.each([
    ["", "it names no server"],
    ["ftp://etcd1", "neither http:// nor https://"],
    ["http://etcd1:2379/v3", "more than a host and a port"],
    ["http://etcd1:2379?a", "more than a host and a port"],
    ["http://:bad", "it is not a URL"],
  ])("parseServerList() throws when the list is %p", (text, cause) => {
    expect(() => parseServerList(text)).toThrow(cause);
  });

  test.each([
    ["http://ci:hunter2@etcd1:2379"],
    ["http://ci:hunter2@etcd1:notaport"],
    ["etcd://ci:hunter2@etcd1"],
    ["ci:hunter2@etcd1 x"],
    ["http://ci:hunter2@etcd1/v3"],
    ["http://ci:hunt,er2@etcd1"],
    ["http://ci:hunt@er2@etcd1"],
  ])("parseServerList() does not show a password when the list is %p", (text) => {
    let message = "";
    try {
      parseServerList(text);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain("RESOURCELOCK_SERVER_USER");
    expect(message).not.toContain("hunt");
    expect(message).not.toContain("er2");
  });
});
