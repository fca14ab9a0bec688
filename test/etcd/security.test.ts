/** TLS, users and passwords, against real servers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/etcd/credentials.ts";
import { EtcdEngine } from "../../src/etcd/engine.ts";
import { LockServerError } from "../../src/lock/errors.ts";
import { bootSeconds } from "../../src/posix/clock.ts";
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";
import { EtcdCluster, haveEtcd } from "./etcd-cluster.ts";

const once = { message: "a test", timeoutSeconds: 0 };

function engineTo(servers: string, environment: Environment): EtcdEngine {
  return new EtcdEngine({ servers, environment, clock: bootSeconds });
}

async function faultOf(servers: string, environment: Environment): Promise<string> {
  await using engine = engineTo(servers, environment);
  const request = { ...once, timeoutSeconds: 3 };
  const error: unknown = await engine
    .acquire("security", request)
    .catch((reason: unknown) => reason);
  return error instanceof LockServerError ? error.fault : `no LockServerError: ${String(error)}`;
}

const as = (user: string, password = `pw-${user}`) => ({
  RESOURCELOCK_SERVER_USER: user,
  RESOURCELOCK_SERVER_PASSWORD: password,
});

describe("users", () => {
  let cluster: EtcdCluster;
  const userTest = test.skipIf(!haveEtcd);

  beforeAll(async () => {
    if (!haveEtcd) return;
    cluster = await EtcdCluster.start(1, ["--auth-token-ttl", "1"]);
    const prefixes = ["security/", "resourcelock.history/security"];
    for (const user of ["root", "ci", "guest"]) {
      await cluster.etcdctl("user", "add", `${user}:pw-${user}`);
    }
    await cluster.etcdctl("user", "grant-role", "root", "root");
    await cluster.etcdctl("role", "add", "locks");
    for (const prefix of prefixes) {
      await cluster.etcdctl(
        "role",
        "grant-permission",
        "locks",
        "--prefix=true",
        "readwrite",
        prefix,
      );
    }
    await cluster.etcdctl("user", "grant-role", "ci", "locks");
    await cluster.etcdctl("auth", "enable");
  }, 60_000);
  afterAll(async () => await cluster?.[Symbol.asyncDispose]());

  userTest(
    "a user with the role takes a lock, also when the token has expired meanwhile",
    async () => {
      await using engine = engineTo(cluster.servers, as("ci"));
      const first = await engine.acquire("security", once);
      expect(first.granted).toBe(true);
      // Longer than a token lasts unused.
      await Bun.sleep(2500);
      if (first.granted) expect(await first.release()).toBeUndefined();
      expect((await engine.acquire("security", once)).granted).toBe(true);
    },
  );

  userTest.each([
    ["there is no user", {}],
    ["the password is wrong", as("ci", "wrong")],
    ["the user has no role", as("guest")],
  ])("acquire() is denied when %s", async (_, environment) => {
    expect(await faultOf(cluster.servers, environment)).toBe("denied");
  });
});

describe("TLS", () => {
  const tlsTest = test.skipIf(!haveEtcd || !haveTools("openssl"));
  const directory = mkdtempSync(join(tmpdir(), "resourcelock-tls-"));
  const path = (name: string) => join(directory, name);
  let cluster: EtcdCluster;

  async function openssl(...words: string[]): Promise<void> {
    const { status, stderr } = await runToEnd(["openssl", ...words], { cwd: directory });
    if (status !== 0) throw new Error(stderr);
  }

  async function certify(name: string, subject: string, extensions: string): Promise<void> {
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      `${name}.key`,
    ];
    await openssl("req", "-new", ...key, "-subj", subject, "-out", `${name}.csr`);
    writeFileSync(path(`${name}.ext`), extensions);
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    const files = ["-in", `${name}.csr`, "-out", `${name}.pem`, "-extfile", `${name}.ext`];
    await openssl("x509", "-req", "-days", "2", ...issuer, ...files);
    chmodSync(path(`${name}.key`), 0o600);
  }

  async function selfSigned(name: string): Promise<void> {
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      `${name}.key`,
    ];
    await openssl(
      "req",
      "-x509",
      ...key,
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      "-out",
      `${name}.pem`,
    );
  }

  beforeAll(async () => {
    if (!haveEtcd || Bun.which("openssl") === null) return;
    await selfSigned("ca");
    await selfSigned("stranger");
    // The gateway speaks to its own server with the server's certificate.
    await certify(
      "server",
      "/CN=etcd",
      "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n",
    );
    await certify("client", "/O=ci", "extendedKeyUsage=clientAuth\n");
    const files = ["--cert-file", path("server.pem"), "--key-file", path("server.key")];
    const clients = ["--client-cert-auth", "--trusted-ca-file", path("ca.pem")];
    cluster = await EtcdCluster.start(1, [...files, ...clients], {
      ca: await Bun.file(path("ca.pem")).text(),
      cert: await Bun.file(path("client.pem")).text(),
      key: await Bun.file(path("client.key")).text(),
      rejectUnauthorized: true,
    });
  }, 60_000);
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const trusted = () => ({
    RESOURCELOCK_SERVER_CA: path("ca.pem"),
    RESOURCELOCK_SERVER_CERT: path("client.pem"),
    RESOURCELOCK_SERVER_KEY: path("client.key"),
  });

  tlsTest("a client with a certificate takes a lock", async () => {
    await using engine = engineTo(cluster.servers, trusted());
    expect((await engine.acquire("security", once)).granted).toBe(true);
  });

  tlsTest("acquire() fails when the server's certificate is of another CA", async () => {
    const environment = { ...trusted(), RESOURCELOCK_SERVER_CA: path("stranger.pem") };
    expect(await faultOf(cluster.servers, environment)).toBe("tls");
  });

  tlsTest("acquire() checks the certificate when NODE_TLS_REJECT_UNAUTHORIZED is 0", async () => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      const environment = { ...trusted(), RESOURCELOCK_SERVER_CA: undefined };
      expect(await faultOf(cluster.servers, environment)).toBe("tls");
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  tlsTest("acquire() fails when it has no client certificate", async () => {
    const environment = { RESOURCELOCK_SERVER_CA: path("ca.pem") };
    expect(["tls", "unavailable"]).toContain(await faultOf(cluster.servers, environment));
  });

  tlsTest("acquire() fails when it speaks no TLS to a server that does", async () => {
    const servers = cluster.servers.replace("https:", "http:");
    expect(["tls", "unavailable", "notGateway", "corrupt"]).toContain(await faultOf(servers, {}));
  });
});
