/**
 * What `run` does with an engine, and no more: `run-under-lock.ts NAME TTL COMMAND...` takes the lock, runs the command
 * with the descriptor of the lock, stops it when the lock is lost, and ends with its status, or 69.
 */
import { EtcdEngine } from "../../src/etcd/engine.ts";
import { runKeeper } from "../../src/etcd/keeper-process.ts";
import { ProcessKeeper } from "../../src/etcd/process-keeper.ts";
import { acquireAll, releaseAll } from "../../src/lock/acquire-all.ts";
import { LockLostError } from "../../src/lock/errors.ts";
import { PreparedCommand, reap } from "../../src/posix/child.ts";
import { bootSeconds } from "../../src/posix/clock.ts";
import { cString } from "../../src/posix/libc.ts";
import { sendSignal } from "../../src/posix/process.ts";

const words = process.argv.slice(2);
if (words[0] === "__keeper") {
  await runKeeper();
  process.exit(0);
}

const [names = "", ttl = "", ...command] = words;
const servers = process.env["RESOURCELOCK_SERVER"] ?? "";
const program = [process.execPath, import.meta.path, "__keeper"];
const keeper = new ProcessKeeper({ program, stops: true, warn: console.error });
await using engine = new EtcdEngine({
  servers,
  environment: process.env,
  ttlSeconds: Number(ttl),
  clock: bootSeconds,
  keeper,
  warn: (text) => console.error(text),
});
const request = { message: command.join(" "), timeoutSeconds: Infinity };
const grants = await acquireAll(engine, names.split(","), request);
if (!Array.isArray(grants)) throw new Error("not granted");
const token = String(grants[0]?.token);
const descriptors = grants.map((grant) => grant.childDescriptor(64));
if (descriptors.includes(undefined)) throw new Error("no descriptor");
const child = new PreparedCommand(command.map(cString), []).start({ TOKEN: token });
console.log(`command ${child}`);
let isLost = false;
let hasEnded = false;
for (const grant of grants) {
  const lost = grant.watchLoss();
  const onLoss = () => {
    isLost = true;
    // As run does: whoever forces a lock away means it.
    if (lost.reason instanceof LockLostError && lost.reason.loss.reason === "forced") return;
    if (!hasEnded) sendSignal(child, "SIGTERM");
  };
  lost.addEventListener("abort", onLoss, { once: true });
}
let status = reap(child);
while (status === undefined) {
  await Bun.sleep(10);
  status = reap(child);
}
hasEnded = true;
await releaseAll(grants);
process.exitCode = isLost ? 69 : "exitCode" in status ? status.exitCode : 128 + status.signal;
