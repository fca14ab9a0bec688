/** Commands whose output nobody reads: a full pipe must not make signals and time limits void. */
import { expect, test } from "bun:test";
import { haveTools, newLockName, resourcelock, startScript } from "../../support/binary.ts";
import { as, binaryForEverybody, isRoot } from "../../faults/other-user.ts";
import { eventually } from "../../support/eventually.ts";
import { binary, start } from "../../support/process.ts";

/** Runs a script in which descriptor 7 is a pipe that is full, and that stays open. It prints a process id first. */
async function withFullPipe(script: string) {
  const child = startScript(`
    directory=$(mktemp -d); mkfifo "$directory/full"; exec 7<>"$directory/full"
    dd if=/dev/zero of="$directory/full" bs=4096 count=100000 oflag=nonblock 2>/dev/null
    rm -r "$directory"
    ${script}`);
  return { child, pid: Number(await child.stdout.nextLine()) };
}

const isHeld = async (name: string) => (await resourcelock("state", name, "--check")).status === 1;
const untilHeld = (name: string) => eventually("a holder", () => isHeld(name));
/** Waits until a process reads nothing more, as it can write nothing more. */
async function untilStuck(pid: number): Promise<void> {
  const readBytes = async () => /rchar: (\d+)/.exec(await Bun.file(`/proc/${pid}/io`).text())?.[1];
  let last: string | undefined;
  await eventually("a process that is stuck", async () => {
    const before = last;
    await Bun.sleep(100);
    last = await readBytes();
    return last === before;
  });
}

/** What is said of a lock that was let go, not of one whose holder died. */
const isReleased = async (name: string) =>
  (await resourcelock("state", name)).stdout.includes("released");

test.each([
  ["session", (name: string) => `echo "get ${name}" | "$RESOURCELOCK" session >&7 & echo $!`],
  ["get", (name: string) => `"$RESOURCELOCK" get ${name} >&7 & echo $!`],
  ["get -a", (name: string) => `"$RESOURCELOCK" get ${name} -a 1h >&7 & echo $!`],
])("%s ends by a signal and releases its lock while its answer is not read", async (_, line) => {
  const name = newLockName();
  const { child, pid } = await withFullPipe(`${line(name)}; wait $!; echo $?`);
  await untilHeld(name);
  process.kill(pid, "SIGTERM");
  expect(await child.stdout.nextLine()).toBe("143");
  expect(await isReleased(name)).toBe(true);
});

test("session ends by a signal while a long answer is not read", async () => {
  const name = newLockName();
  const request = `state ${"no-such-lock ".repeat(200)}`;
  const { child, pid } = await withFullPipe(
    `{ echo 'get ${name}'; yes '${request}'; } | "$RESOURCELOCK" session > >(head -n 1; exec sleep 1000) & echo $!; wait $!; echo $?`,
  );
  await untilHeld(name);
  await untilStuck(pid);
  process.kill(pid, "SIGTERM");
  await child.stdout.line("143");
  expect(await isReleased(name)).toBe(true);
});

test.skipIf(!haveTools("python3"))(
  "session ends by a signal while its terminal is not read",
  async () => {
    const name = newLockName();
    // A terminal takes a part of what is written when it has no room for all.
    const program = `import pty, subprocess, sys
session = subprocess.Popen([sys.argv[1], "session"], stdin=subprocess.PIPE, stdout=pty.openpty()[1])
print(session.pid, flush=True)
session.stdin.write(f"get {sys.argv[2]}\\n".encode() + f"history {sys.argv[2]}\\n".encode() * 600)
session.stdin.flush()
print(session.wait(), flush=True)`;
    const child = start(["python3", "-c", program, binary, name]);
    const pid = Number(await child.stdout.nextLine());
    await untilHeld(name);
    await untilStuck(pid);
    process.kill(pid, "SIGTERM");
    expect(await child.stdout.nextLine()).toBe("-15");
    expect(await isReleased(name)).toBe(true);
  },
);

test("wait ends by a signal while its answer is not read", async () => {
  const { child, pid } = await withFullPipe(
    `"$RESOURCELOCK" wait ${newLockName()} --json >&7 & echo $!; wait $!; echo $?`,
  );
  await untilStuck(pid);
  process.kill(pid, "SIGTERM");
  expect(await child.stdout.nextLine()).toBe("143");
});

test("get -a releases its lock in time though its answer is not read", async () => {
  const name = newLockName();
  const { child } = await withFullPipe(`echo 0; "$RESOURCELOCK" get ${name} -a 0.2 >&7; echo $?`);
  expect(await child.stdout.nextLine()).toBe("71");
  expect(await child.stderr.nextLine()).toContain("nobody reads it in time");
  expect(await isReleased(name)).toBe(true);
});

test.each(["run NAME -t 0.2 true", "get NAME -t 0.2", "wait NAME -t 0.2"])(
  "%s ends in time though its notices are not read",
  async (words) => {
    const name = newLockName();
    await resourcelock("get", name, "-q");
    const line = words.replace("NAME", name);
    const { child } = await withFullPipe(`echo 0; "$RESOURCELOCK" ${line} 2>&7; echo $?`);
    expect(await child.stdout.nextLine()).toBe("75");
  },
);

test("run goes on though the warning of another mode is not read", async () => {
  const name = newLockName();
  await resourcelock("run", name, "--mode", "600", "true");
  const line = `run ${name} --mode 666 echo inside`;
  const { child } = await withFullPipe(`echo 0; "$RESOURCELOCK" ${line} 2>&7; echo $?`);
  expect(await child.stdout.nextLine()).toBe("inside");
  expect(await child.stdout.nextLine()).toBe("0");
});

test("run ends by a signal while it is not read why it could not start its command", async () => {
  const name = newLockName();
  const { child, pid } = await withFullPipe(
    `"$RESOURCELOCK" run ${name} ./no-such-command 2>&7 & echo $!; wait $!; echo $?`,
  );
  await eventually("a release", () => isReleased(name));
  await untilStuck(pid);
  process.kill(pid, "SIGTERM");
  expect(await child.stdout.nextLine()).toBe("127");
});

test.skipIf(!isRoot || !haveTools("setpriv"))(
  "run ends with its command though the warning of a signal for another user is not read",
  async () => {
    const words = [...as(65_534), await binaryForEverybody(), "run", newLockName()].join(" ");
    const { child, pid } = await withFullPipe(`
      exec 8<&0
      directory=$(mktemp -d); chmod 755 "$directory"; trap 'rm -r "$directory"' EXIT
      install -m 4755 "$(type -P setpriv)" "$directory/become"
      ${words} "$directory/become" --reuid=0 --clear-groups sh -c 'echo started; read line' 2>&7 <&8 &
      echo $!; wait $!; echo $?`);
    expect(await child.stdout.nextLine()).toBe("started");
    process.kill(pid, "SIGTERM");
    await untilStuck(pid);
    await child.tell("\n");
    expect(await child.stdout.nextLine()).toBe("0");
  },
);
