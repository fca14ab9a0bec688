/** `many-watches.ts SERVERS`: holds a lock, watches more locks than Bun has requests, and says whether it lost the first. */
import { EtcdLock } from "../../src/etcd/etcd-lock.ts";

const servers = process.argv[2] ?? "";
const held = await new EtcdLock("many-held", { servers, ttlSeconds: 3, environment: {} }).acquire();
const lost = held?.signal;
const { signal } = new AbortController();
let begun = 0;

async function follow(index: number): Promise<void> {
  let isFirst = true;
  const lock = new EtcdLock(`many-${index % 10}`, { servers, environment: {} });
  for await (const _ of lock.watch({ signal })) {
    if (isFirst) begun += 1;
    isFirst = false;
  }
}

for (let index = 0; index < 260; index++) void follow(index);
// Longer than the lease.
await Bun.sleep(5000);
console.log(`begun: ${begun}, lost: ${lost?.aborted}`);
process.exit(0);
