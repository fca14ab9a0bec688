/** A server of etcd for `etcdctl lock`, on loopback, with its data in the benchmark's directory. */
import { createServer } from "node:net";
import { Started, until } from "./processes.ts";

export interface EtcdServer {
  /** What etcdctl has to be told. */
  environment: Record<string, string>;
}

/** Starts one, where etcd and etcdctl are here; it ends with the benchmark. Undefined where it does not start. */
export async function startEtcd(directory: string): Promise<EtcdServer | undefined> {
  if (Bun.which("etcd") === null || Bun.which("etcdctl") === null) return undefined;
  const [client, peer] = await Promise.all([freePort(), freePort()]);
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const flags = {
    name: "bench",
    "data-dir": `${directory}/etcd`,
    "listen-client-urls": clientUrl,
    "advertise-client-urls": clientUrl,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `bench=${peerUrl}`,
  };
  const server = new Started(["etcd", ...Object.entries(flags).map(([k, v]) => `--${k}=${v}`)]);
  const environment = { ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: clientUrl };
  const healthy = () =>
    Bun.spawnSync(["etcdctl", "endpoint", "health"], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "ignore", "ignore"],
      timeout: 5000,
    }).success;
  if (await until(() => server.hasEnded || healthy(), 15)) {
    if (!server.hasEnded) return { environment };
  }
  await server.kill();
  return undefined;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      );
    });
  });
}
