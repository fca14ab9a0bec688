/**
 * Takes and releases a lock COUNT times, and prints how many microseconds each took: by a session, or by the command flock.
 * usage: session.mjs session|flock PROGRAM LOCK FILE COUNT
 */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";

const [side, program, lock, file, count] = process.argv.slice(2);
const section = side === "session" ? sessionSection() : flockSection;

function sessionSection() {
  const session = spawn(program, ["session"], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: session.stdout })[Symbol.asyncIterator]();
  return async () => {
    for (const request of ["get -q", "unget -q"]) {
      session.stdin.write(`${request} ${lock}\n`);
      const { value } = await answers.next();
      if (!value?.startsWith("0 ")) process.exit(1);
    }
  };
}

async function flockSection() {
  if (spawnSync("flock", [file, "true"]).status !== 0) process.exit(1);
}

await section();
const start = performance.now();
for (let pair = 0; pair < Number(count); pair++) await section();
console.log(((performance.now() - start) / Number(count)) * 1000);
process.exit();
