import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentialsFrom, tlsFrom } from "../../src/etcd/credentials.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "credentials-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function fileWith(text: string, mode: number): string {
  const path = join(directory, "file");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("credentialsFrom()", () => {
  test("credentialsFrom() returns undefined when no user is given", () => {
    expect(credentialsFrom({ RESOURCELOCK_SERVER_PASSWORD: "x" })).toBeUndefined();
  });

  test("credentialsFrom() reads user and password of the environment", () => {
    const environment = { RESOURCELOCK_SERVER_USER: "ci", RESOURCELOCK_SERVER_PASSWORD: "x y" };
    expect(credentialsFrom(environment)).toEqual({ user: "ci", password: "x y" });
  });

  test("credentialsFrom() reads the password of a file that only its owner can read", () => {
    const path = fileWith("secret\n", 0o600);
    const environment = { RESOURCELOCK_SERVER_USER: "ci", RESOURCELOCK_SERVER_PASSWORD_FILE: path };
    expect(credentialsFrom(environment)?.password).toBe("secret");
  });

  test("credentialsFrom() throws when others may read the file", () => {
    const path = fileWith("secret\n", 0o640);
    const environment = { RESOURCELOCK_SERVER_USER: "ci", RESOURCELOCK_SERVER_PASSWORD_FILE: path };
    expect(() => credentialsFrom(environment)).toThrow("others can read it");
  });

  test("credentialsFrom() throws when a user has no password", () => {
    const user = { RESOURCELOCK_SERVER_USER: "ci" };
    const empty = { ...user, RESOURCELOCK_SERVER_PASSWORD_FILE: fileWith("\n", 0o600) };
    expect(() => credentialsFrom(user)).toThrow("RESOURCELOCK_SERVER_USER has no password");
    expect(() => credentialsFrom(empty)).toThrow("RESOURCELOCK_SERVER_USER has no password");
  });

  test("credentialsFrom() throws when the file is missing", () => {
    const path = join(directory, "none");
    const environment = { RESOURCELOCK_SERVER_USER: "ci", RESOURCELOCK_SERVER_PASSWORD_FILE: path };
    expect(() => credentialsFrom(environment)).toThrow("it does not exist");
  });
});

describe("tlsFrom()", () => {
  test("tlsFrom() always checks the server's certificate", () => {
    expect(tlsFrom({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toEqual({ rejectUnauthorized: true });
  });

  test("tlsFrom() throws when a certificate comes without its key", () => {
    const path = fileWith("PEM", 0o644);
    expect(() => tlsFrom({ RESOURCELOCK_SERVER_CERT: path })).toThrow("RESOURCELOCK_SERVER_KEY");
  });

  test("tlsFrom() throws when others may read the key", () => {
    const path = fileWith("PEM", 0o644);
    const environment = { RESOURCELOCK_SERVER_CERT: path, RESOURCELOCK_SERVER_KEY: path };
    expect(() => tlsFrom(environment)).toThrow("others can read it");
  });

  test("tlsFrom() throws when the CA is a directory", () => {
    expect(() => tlsFrom({ RESOURCELOCK_SERVER_CA: directory })).toThrow("it is a directory");
    expect(() => tlsFrom({ RESOURCELOCK_SERVER_CA: "/nosuch" })).toThrow(
      'Cannot use file "/nosuch" of RESOURCELOCK_SERVER_CA: it does not exist',
    );
  });
});
