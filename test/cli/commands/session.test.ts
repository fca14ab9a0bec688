/** `session`: requests on stdin, answers on stdout, and locks that end with it. */
import { describe, expect, test } from "bun:test";
import { bash, haveTools, newLockName, resourcelock, startScript } from "../../support/binary.ts";
import { binary, runToEnd, start, type TestProcess } from "../../support/process.ts";
import { eventually } from "../../support/eventually.ts";

/** Starts a session, and gives a function that makes requests of it. */
function startSession(...words: string[]) {
  const session = start([binary, "session", ...words]);
  const ask = async (request: string): Promise<string> => {
    await session.tell(`${request}\n`);
    return await session.stdout.nextLine();
  };
  return { session, ask };
}

const isLocked = async (name: string) =>
  (await resourcelock("state", name, "--check")).status === 1;

async function endOf(session: TestProcess): Promise<number> {
  await session.endInput();
  return (await session.end()).status;
}

test("session takes a lock and releases it as it is asked to", async () => {
  const name = newLockName();
  const { session, ask } = startSession();
  expect(await ask(`get ${name}`)).toBe(`0 ${name}: locked`);
  expect(await isLocked(name)).toBe(true);
  expect(await ask(`unget ${name}`)).toBe(`0 ${name}: released`);
  expect(await isLocked(name)).toBe(false);
  expect(await endOf(session)).toBe(0);
});

test("session keeps a hold of its own that unget does not mean", async () => {
  const name = newLockName();
  const { ask } = startSession("--json");
  const { token } = JSON.parse(await ask(`get ${name}`));
  expect(JSON.parse(await ask(`unget ${name} --token ${token - 1}`))).toMatchObject({
    status: 0,
    locked: true,
    released: false,
  });
  expect(JSON.parse(await ask(`unget ${name} --owner-pid 1`))).toMatchObject({ released: false });
  expect(JSON.parse(await ask(`unget ${name} --token x`))).toMatchObject({ status: 64 });
  expect(await isLocked(name)).toBe(true);
  expect(JSON.parse(await ask(`unget ${name} --token ${token}`))).toMatchObject({ released: true });
  expect(await isLocked(name)).toBe(false);
});

test("session answers a line that comes again by what is so then", async () => {
  const [own, other] = [newLockName(), newLockName()];
  const { ask } = startSession();
  for (let round = 0; round < 2; round++) {
    expect(await ask(`get ${own}`)).toBe(`0 ${own}: locked`);
    expect(await ask(`get ${own}`)).toBe(`75 ${own}: this session already holds it`);
    await resourcelock("get", other);
    const answer = await ask(`unget ${own} ${other}`);
    expect(answer).toStartWith(`0 ${own}: released; ${other}: released`);
    expect(await ask(`unget ${own} ${other}`)).toStartWith(`1 ${own}: was not held; ${other}`);
  }
  expect(await ask("get")).toBe("64 NAME is missing");
  expect(await ask("get")).toBe("64 NAME is missing");
});

test("session answers as before when it has answered a thousand requests", async () => {
  const name = newLockName();
  const { session, ask } = startSession();
  const requests = `get ${name}\nunget ${name}\n`;
  await session.tell(requests.repeat(500));
  for (let pair = 0; pair < 500; pair++) {
    expect(await session.stdout.nextLine()).toBe(`0 ${name}: locked`);
    expect(await session.stdout.nextLine()).toBe(`0 ${name}: released`);
  }
  expect(await ask(`state ${name}`)).toStartWith("0 ");
});

test("session takes the words in the seed's order too", async () => {
  const name = newLockName();
  const { ask } = startSession();
  expect(await ask(`${name} get`)).toBe(`0 ${name}: locked`);
  expect(await ask(`${name} unget`)).toBe(`0 ${name}: released`);
  expect(await ask(`${name} get -u 1`)).toBe(`0 ${name}: locked`);
  const refused = "64 unknown option -a; what a session holds is released by unget, or when the";
  expect(await ask(`${name} get -a 1`)).toStartWith(refused);
  expect(await ask(`get ${name} -a 1`)).toStartWith(refused);
});

test("session releases what it holds when its input ends", async () => {
  const [one, two] = [newLockName(), newLockName()];
  const { session, ask } = startSession();
  await ask(`get ${one}`);
  await ask(`get ${two}`);
  expect(await endOf(session)).toBe(0);
  expect(await isLocked(one)).toBe(false);
  expect(await isLocked(two)).toBe(false);
});

test.each(["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const)(
  "session releases what it holds when %s ends it",
  async (signal) => {
    const name = newLockName();
    const { session, ask } = startSession();
    await ask(`get ${name}`);
    session.signal(signal);
    await session.end();
    expect(session.endedBy).toBe(signal);
    expect(await isLocked(name)).toBe(false);
  },
);

test("session ends by a signal though its client never pauses", async () => {
  const name = newLockName();
  const client = startScript(
    String.raw`yes "$(printf 'get %s
unget %s' ${name} ${name})" |
       "$RESOURCELOCK" session > >(head -n 2; exec cat >/dev/null) &
     echo $! >&2; wait $!; echo "ended by $?" >&2`,
  );
  const session = Number(await client.stderr.nextLine());
  await client.stdout.until(`0 ${name}: released`);
  process.kill(session, "SIGTERM");
  expect(await client.stderr.nextLine()).toBe(`ended by ${128 + 15}`);
  expect(await isLocked(name)).toBe(false);
});

test("session that is killed leaves its lock to the next", async () => {
  const name = newLockName();
  const { session, ask } = startSession();
  await ask(`get ${name}`);
  await session.kill();
  const next = await resourcelock("run", name, "-t", "30", "--", "echo", "next");
  expect(next).toMatchObject({ status: 0, stdout: "next\n" });
});

test("session ends a wait for a lock when a signal comes, and takes nothing", async () => {
  const name = newLockName();
  const holder = startSession();
  await holder.ask(`get ${name}`);
  const { session } = startSession();
  await session.tell(`get ${name} -t -1\n`);
  await eventually("a waiter", async () => {
    const { waiters } = JSON.parse((await holder.ask(`state ${name} --json`)).slice(2));
    return waiters.length > 0;
  });
  session.signal("SIGTERM");
  await session.end();
  expect(session.endedBy).toBe("SIGTERM");
  expect(await holder.ask(`unget ${name}`)).toBe(`0 ${name}: released`);
  expect(await isLocked(name)).toBe(false);
});

test("session says how it ends when it is asked to quit", async () => {
  const { ask } = startSession();
  expect(await ask("quit")).toBe("64 a session ends when its input does");
});

test("session answers 75 when a lock is not granted in time, or the status of -E", async () => {
  const name = newLockName();
  const holder = startSession();
  await holder.ask(`get ${name}`);
  const { ask } = startSession();
  expect(await ask(`get ${name} -n`)).toStartWith(`75 ${name}: not granted`);
  expect(await ask(`get ${name} -t 0.01 -E 9`)).toStartWith(`9 ${name}: not granted`);
  expect(await ask(`wait ${name} -t 0.01`)).toBe(`75 ${name}: not free in time`);
});

test("session does not wait for a lock that it holds itself", async () => {
  const name = newLockName();
  const { ask } = startSession();
  await ask(`get ${name}`);
  expect(await ask(`get /${name} -t -1`)).toBe(`75 ${name}: this session already holds it`);
  expect(await ask(`unget /${name}`)).toBe(`0 ${name}: released`);
});

test("session does not wait for a lock that is held around it, or by itself", async () => {
  const name = newLockName();
  const script = String.raw`printf 'get %s -t -1\nwait %s\n' ${name} ${name} | "$RESOURCELOCK" session`;
  const around = `a run around this session holds it and waits for this session to end`;
  const line = `75 Cannot wait for lock "${name}": ${around}\n`;
  const { stdout } = await bash(`resourcelock run ${name} -c ${JSON.stringify(script)}`);
  expect(stdout).toBe(line + line);
  const { ask } = startSession();
  await ask(`get ${name}`);
  expect(await ask(`wait ${name}`)).toBe(
    `75 Cannot wait for lock "${name}": this session holds it itself`,
  );
});

test("session waits until each of several locks is free, and looks once with -n", async () => {
  const [one, other] = [newLockName(), newLockName()];
  const { ask } = startSession();
  expect(await ask(`wait ${one} /${other} -n`)).toBe(`0 ${one}: free; ${other}: free`);
  await ask(`get ${other}`);
  expect(await ask(`wait ${one} ${other} -n -E 9`)).toBe(
    `9 ${one}: free; ${other}: not free in time`,
  );
});

test("session gets slots and shared locks beside others", async () => {
  const name = newLockName();
  const [one, other] = [startSession(), startSession()];
  expect(await one.ask(`get ${name} --slots 2`)).toBe(`0 ${name}: locked in slot 0`);
  expect(await other.ask(`get ${name} --slots 2`)).toBe(`0 ${name}: locked in slot 1`);
  const shared = newLockName();
  expect(await one.ask(`get ${shared} --shared`)).toBe(`0 ${shared}: locked`);
  expect(await other.ask(`get ${shared} --shared`)).toBe(`0 ${shared}: locked`);
});

test("session tells by its status that a lock was taken from it", async () => {
  const name = newLockName();
  const { ask } = startSession();
  await ask(`get ${name}`);
  await resourcelock("unget", name);
  expect(await ask(`unget ${name}`)).toMatch(/^69 /);
});

test("session releases every lock of an unget, each once, though one was lost", async () => {
  const [lost, kept, other] = [newLockName(), newLockName(), newLockName()];
  const { ask } = startSession();
  await ask(`get ${lost}`);
  await ask(`get ${kept}`);
  await resourcelock("unget", lost);
  await resourcelock("get", other, "-q");
  const answer = await ask(`unget ${lost} ${kept} /${kept} ${other}`);
  expect(answer).toStartWith(`69 ${kept}: released; ${other}: released`);
  expect(answer).toContain(`; Lost lock "${lost}"`);
  expect(await isLocked(kept)).toBe(false);
  expect(await isLocked(other)).toBe(false);
});

test("session tells what was done before an error", async () => {
  const [own, damaged, after] = [newLockName(), newLockName(), newLockName()];
  const { ask } = startSession();
  for (const name of [own, after]) await ask(`get ${name}`);
  await Bun.write(`/dev/shm/sem.${damaged}`, "no semaphore");
  expect(await ask(`unget ${own} ${damaged} ${after}`)).toMatch(
    `71 ${own}: released; ${after}: released; Cannot use lock "${damaged}"`,
  );
});

test("session tells of a living holder that it has released a lock of", async () => {
  const name = newLockName();
  const { ask } = startSession();
  const holder = startSession();
  await holder.ask(`get ${name}`);
  expect(await ask(`unget ${name}`)).toMatch(
    new RegExp(`^0 ${name}: released; warning: pid ${holder.session.pid} `),
  );
});

test("session releases by force what somebody else holds", async () => {
  const name = newLockName();
  await resourcelock("get", name, "-q");
  const { ask } = startSession();
  expect(await ask(`unget ${name}`)).toMatch(/^0 /);
  expect(await isLocked(name)).toBe(false);
});

test("session reads quoted words, and a name may be any text", async () => {
  const name = `${newLockName()} it's "ü"`;
  const { ask } = startSession();
  const quoted = `'${name.replaceAll("'", String.raw`'\''`)}'`;
  expect(await ask(`get ${quoted} -m 'nightly  backup'`)).toBe(`0 ${name}: locked`);
  expect((await resourcelock("info", name)).stdout).toEndWith(" - nightly  backup\n");
  expect(await ask(`info ${quoted}`)).toEndWith(" - nightly  backup");
});

test.each([
  ["-q", "a command is missing"],
  ["got disk", "unknown command"],
  ["get 'disk", "does not end"],
  ["get disk --colour", "unknown option"],
  ["run disk true", "is a command"],
  ["get disk -t soon", "soon"],
  ["get a/b", "a/b"],
  ["get disk --shared --slots 2", "not both"],
  ["get disk --help", "--help"],
  ["get disk -h", "-h"],
  ["get -h", "-h"],
  ["info disk --stdin", "--set"],
])("session answers 64 to %j and goes on", async (request, text) => {
  const { ask } = startSession();
  const answer = await ask(request);
  expect(answer).toStartWith("64 ");
  expect(answer).toContain(text);
  expect(await ask(`state ${newLockName()}`)).toMatch(/^\d+ /);
});

test("session answers 0 to an empty line and to a comment, and takes lines that end as on Windows", async () => {
  const name = newLockName();
  const { ask } = startSession();
  expect(await ask("")).toBe("0 ");
  expect(await ask("  # take the bus")).toBe("0 ");
  expect(await ask(`get ${name}\r`)).toBe(`0 ${name}: locked`);
  const asObjects = startSession("--json");
  expect(await asObjects.ask("# nothing")).toBe('{"status":0}');
});

test("session -q answers with the status alone when it releases a lock of its own, too", async () => {
  const name = newLockName();
  const { ask } = startSession();
  expect(await ask(`get ${name} -q`)).toBe("0 ");
  expect(await ask(`get ${name} -q`)).toBe("75 ");
  expect(await ask(`unget ${name} -q`)).toBe("0 ");
  expect(await isLocked(name)).toBe(false);
});

test.each([
  ["get NAME -q", "0 "],
  ["state NAME -q", "0 "],
  ["unget NAME -q", "1 "],
  ["info NAME -q", "1 "],
  ["wait NAME -q", "0 "],
])("session answers %j with the status alone: %j", async (request, answer) => {
  const { ask } = startSession();
  expect(await ask(request.replace("NAME", newLockName()))).toBe(answer);
});

test("session answers a request that is too long, and goes on", async () => {
  const { ask } = startSession();
  expect(await ask(`get ${"x".repeat(70_000)}`)).toStartWith("64 ");
  expect(await ask(`get ${newLockName()}`)).toStartWith("0 ");
});

test("session does not answer the end of a request that is too long as a request of its own", async () => {
  const name = newLockName();
  await resourcelock("get", name, "-q");
  const session = start([binary, "session"]);
  await session.tell(`${"#".repeat(64 * 1024)}unget ${name}`);
  await session.endInput();
  const { stdout } = await session.end();
  expect(stdout).toBe("64 a request is longer than 65536 bytes\n");
  expect(await isLocked(name)).toBe(true);
});

test("session answers a last request that has no newline", async () => {
  const name = newLockName();
  const session = start([binary, "session"]);
  await session.tell(`get ${name}`);
  await session.endInput();
  expect(await session.end()).toEqual({ status: 0, stdout: `0 ${name}: locked\n`, stderr: "" });
  expect(await isLocked(name)).toBe(false);
});

test("session --json answers with objects", async () => {
  const name = newLockName();
  const { ask } = startSession("--json");
  const answer = async (request: string) => JSON.parse(await ask(request));
  expect(await answer(`get ${name}`)).toMatchObject({ status: 0, name, granted: true, slot: null });
  expect(await answer(`state ${name}`)).toMatchObject({ status: 0, name, locked: true });
  expect((await answer("list")).status).toBe(0);
  expect(await answer(`unget ${name}`)).toEqual({ status: 0, name, released: true });
  expect(await answer("got")).toMatchObject({ status: 64, message: expect.any(String) });
});

test("session --json answers list and history with an array, also of one entry or none", async () => {
  const name = newLockName();
  const { ask } = startSession("--json");
  const answer = async (request: string) => JSON.parse(await ask(request));
  expect(await answer(`history ${name}`)).toEqual({ status: 0, results: [] });
  expect(await answer("list --held-over 20d")).toEqual({ status: 0, results: [] });
  await answer(`get ${name}`);
  expect(await answer(`history ${name}`)).toEqual({
    status: 0,
    results: [expect.objectContaining({ name, ending: "held" })],
  });
  expect((await answer("list")).results).toContainEqual(expect.objectContaining({ name }));
  expect(await answer(`history ${name} -q`)).toEqual({ status: 0 });
});

test("session --json gives a message, too, when a request has failed", async () => {
  const [held, lost] = [newLockName(), newLockName()];
  const { ask } = startSession("--json");
  const answer = async (request: string) => JSON.parse(await ask(request));
  await ask(`get ${held}`);
  await ask(`get ${lost}`);
  expect(await answer(`get ${held}`)).toEqual({
    status: 75,
    name: held,
    granted: false,
    reason: "deadlock",
    message: `${held}: this session already holds it`,
  });
  await resourcelock("unget", lost);
  expect(await answer(`unget ${held} ${lost}`)).toEqual({
    status: 69,
    results: [{ name: held, released: true }],
    message: expect.stringMatching(new RegExp(`^${held}: released\nLost lock "${lost}"`)),
  });
  const missing = newLockName();
  expect(await answer(`info ${missing}`)).toMatchObject({
    status: 1,
    name: missing,
    message: `lock "${missing}" does not exist`,
  });
  expect(await ask(`get ${held} -q`)).toBe('{"status":0}');
  expect(await ask(`get ${held} -q`)).toBe('{"status":75}');
});

test("session --json takes what is after a -- for names alone, and says how it ends", async () => {
  const name = newLockName();
  const { ask } = startSession("--json");
  expect(JSON.parse(await ask(`unget -- ${name}`))).toMatchObject({ status: 1, name });
  expect(JSON.parse(await ask("quit")).message).toBe("a session ends when its input does");
});

test("session without stdin is refused", async () => {
  const outcome = await runToEnd(["sh", "-c", '"$RESOURCELOCK" session <&-']);
  expect(outcome.status).toBe(64);
  expect(outcome.stderr).toContain("stdin is closed");
});

/** What a script in each language does with a session: docs/recipes.md has these as recipes. */
const scripts: [tool: string, words: string[], script: string][] = [
  [
    "bash",
    ["bash", "-euc"],
    `coproc LOCK { "$RESOURCELOCK" session; }
     ask() { echo "$*" >&"\${LOCK[1]}"; read -r status text <&"\${LOCK[0]}"; }
     ask get "$NAME"; echo "$status $text"; ask unget "$NAME"; echo "$status $text"`,
  ],
  [
    "dash",
    ["dash", "-euc"],
    `directory=$(mktemp -d)
     mkfifo "$directory/requests" "$directory/answers"
     "$RESOURCELOCK" session <"$directory/requests" >"$directory/answers" &
     exec 8>"$directory/requests" 9<"$directory/answers"
     rm -r "$directory"
     ask() { echo "$*" >&8; read -r status text <&9; }
     ask get "$NAME"; echo "$status $text"; ask unget "$NAME"; echo "$status $text"`,
  ],
  [
    "python3",
    ["python3", "-c"],
    `import os, subprocess
session = subprocess.Popen([os.environ["RESOURCELOCK"], "session"], text=True, bufsize=1,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def ask(request):
    print(request, file=session.stdin)
    return session.stdout.readline().rstrip()
print(ask("get " + os.environ["NAME"]))
print(ask("unget " + os.environ["NAME"]))`,
  ],
  [
    "node",
    ["node", "-e"],
    `const { spawn } = require("node:child_process");
const readline = require("node:readline");
const session = spawn(process.env.RESOURCELOCK, ["session"], { stdio: ["pipe", "pipe", "inherit"] });
const answers = readline.createInterface({ input: session.stdout })[Symbol.asyncIterator]();
async function ask(request) {
  session.stdin.write(request + "\\n");
  return (await answers.next()).value;
}
(async () => {
  console.log(await ask("get " + process.env.NAME));
  console.log(await ask("unget " + process.env.NAME));
  session.stdin.end();
})();`,
  ],
  [
    "perl",
    ["perl", "-e"],
    `use IPC::Open2; my $pid = open2(my $answers, my $requests, $ENV{RESOURCELOCK}, "session");
sub ask { print $requests "@_\\n"; return scalar <$answers>; }
print ask("get", $ENV{NAME}); print ask("unget", $ENV{NAME}); close $requests; waitpid $pid, 0;`,
  ],
];

describe.each(scripts)("a script in %s", (tool, words, script) => {
  test.skipIf(!haveTools(tool))("takes and releases a lock by session", async () => {
    const name = newLockName();
    const outcome = await runToEnd([...words, script], { env: { NAME: name } });
    const stdout = `0 ${name}: locked\n0 ${name}: released\n`;
    expect(outcome).toEqual({ status: 0, stdout, stderr: "" });
  });
});

test.each([
  ["pipes", "os.pipe()"],
  ["sockets, as Node does it,", "[end.detach() for end in socket.socketpair()]"],
])("session by %s ends a wait when its script has died, and releases", async (_, pair) => {
  const [held, blocked] = [newLockName(), newLockName()];
  await resourcelock("get", blocked, "-q");
  const script = `
import os, socket, subprocess
(requests, ask), (answers, answer) = ${pair}, ${pair}
subprocess.Popen([os.environ["RESOURCELOCK"], "session"], stdin=requests, stdout=answer)
os.close(requests); os.close(answer)
os.write(ask, b"get ${held}\\n")
print(os.read(answers, 1000).decode(), end="", flush=True)
os.write(ask, b"get ${blocked} -t -1\\n")
os.read(answers, 1000)`;
  const client = start(["python3", "-c", script]);
  await client.stdout.nextLine();
  await eventually("a waiter", async () => {
    const { stdout } = await resourcelock("state", blocked, "--json");
    return JSON.parse(stdout).waiters.length > 0;
  });
  await client.kill();
  const next = await resourcelock("run", held, "-t", "30", "--", "echo", "next");
  expect(next).toMatchObject({ status: 0, stdout: "next\n" });
});

test("session answers without colours where they are wanted on a pipe, too", async () => {
  const name = newLockName();
  const { stdout } = await bash(`echo 'state ${name}' | FORCE_COLOR=1 "$RESOURCELOCK" session`);
  expect(stdout).toBe(`0 ${name}: free; there is no such lock yet\n`);
});
