/**
 * A storm on one lock: workers pass through a critical section while they are killed and stopped, from outside and
 * at the fault points. scripts/storm starts it, and tells how.
 *
 * Checked: nobody is ever in the critical section with another; the unit is never lost for long; at the end the
 * semaphore is 1 and nobody holds or waits. A worker is one of
 *
 * - a process that uses the library,
 * - `run` and its command, which are killed together or one of them alone; also one whose command takes its place, one
 *   that shares the lock with others and sees that nobody is in the section meanwhile, one that waits for a moment only,
 *   one that does not wait behind another, and those that supersede and replace each other: these hold the lock for a
 *   while after the section,
 * - a script with `get --owner-pid $$` and `unget`; it is killed with what it has started, as an `unget` that
 *   outlives its script would force the lock from whoever has adopted it,
 * - `get -a` without a critical section, and `unget` that forces the lock from it and dies of that.
 *
 * With Python peers, which are not killed, one window is documented: who is killed just after it took the unit by
 * waiting, and just after a peer gave it back, leaves a lock that looks like a peer's. So the point
 * "taken-by-waiting" is left out, and where a random kill hits that window, the lock is freed by `unget`, as a user
 * would, and that is counted.
 *
 * A hostile storm (--hostile) adds callers that do not wait or not long, slots of different numbers, `info --set` with
 * one text for all, peers that set that text inside and outside of the section, a limit on the size of files, an info
 * segment that is deleted; and without peers, who could not know, a semaphore that is deleted and `remove`. Where
 * /dev/shm is small (64 MB at most: give the storm one of its own), it is filled up now and then.
 */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { faultPoints, testBinary } from "./build.ts";
import { lives } from "./section.ts";

const { values: options } = parseArgs({
  options: {
    deaths: { type: "string", default: "2000" },
    workers: { type: "string", default: "8" },
    peers: { type: "string", default: "0" },
    hostile: { type: "boolean", default: false },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const deathsWanted = Number(options.deaths);
const workers = Number(options.workers);
const peers = Number(options.peers);
const { hostile } = options;
const seed = Number(options.seed);
if (![deathsWanted, workers, peers, seed].every(Number.isSafeInteger)) {
  console.error(
    "usage: scripts/storm [--deaths N] [--workers N] [--peers N] [--hostile] [--seed N]",
  );
  process.exit(64);
}

/** What the issue allows, and as much again for a machine that does other things. */
const longestGapSeconds = 2;
const busyMachineSeconds = 4;
/** After this, with peers, a lock that looks foreign while no peer is in the section is taken for the window. */
const windowSeconds = 3;
/** After an object was deleted: a participant looks behind the names once in a second and a half. */
const deletedSeconds = 2;
const lookMilliseconds = 20;
/** So often each fault point has to be hit in a storm of 1,000 deaths or more. */
const fewestHits = 5;

const random = mulberry32(seed);
const directory = mkdtempSync(`${tmpdir()}/resourcelock-storm-`);
const lockName = `storm-${process.pid}-${seed}`;
const environment = { ...process.env, RESOURCELOCK: testBinary };

/** The ways a worker takes part. */
type Kind =
  | "library"
  | "run"
  | "no-fork"
  | "shared"
  | "lapse"
  | "newest"
  | "replace"
  | "crowded"
  | "script"
  | "force"
  | "now"
  | "slots"
  | "text"
  | "limited"
  | "remove";

/** What a hostile storm has besides; none of them is aimed at fault points. */
const hostileKinds: readonly Kind[] = ["now", "now", "lapse", "slots", "slots", "text", "limited"];
/** Ends that are none of a lock's failures: not granted in time, in use, and a limit or a full /dev/shm. */
const expectedEnds: Partial<Record<Kind, readonly number[]>> = {
  lapse: [75],
  newest: [75],
  // It is superseded, or its command is ended for a newer one.
  replace: [75, 143],
  crowded: [75],
  now: [75],
  limited: [71, 75],
  text: [1, 66],
  remove: [1, 66, 75],
};

/** Points that not every kind gets to. */
const kindsOfPoint: Record<string, readonly Kind[]> = {
  "taken-by-waiting": ["run", "library"],
  "before-exec": ["no-fork"],
  joined: ["shared"],
  left: ["lapse"],
  detached: ["script"],
  looked: ["script", "force"],
  forced: ["script", "force"],
  evicted: ["force"],
  superseded: ["newest"],
  asked: ["replace"],
  freed: ["library", "run"],
  "given-back": ["library", "run"],
};
/** Points that `unget` gets to. */
const pointsOfUnget = new Set(["looked", "forced", "evicted"]);
/** A death there is found by a grace time or a tick of a second: once for so many at other points. */
const slowPoints = new Set(["taken", "taken-by-waiting", "freed", "forced", "detached"]);
const slowPointRate = 0.15;
/** Who aims at these seldom gets there: it has to be the first of the queue while a script holds the lock. */
const rarePoints = new Set(["taken-by-waiting", "superseded", "asked"]);

const hits = new Map(
  faultPoints()
    .filter((point) => peers === 0 || point !== "taken-by-waiting")
    .map((point) => [point, 0]),
);
/** Chosen, whether hit or not: some are hit only in a crowd. */
const aims = new Map([...hits.keys()].map((point) => [point, 0]));

let kills = 0;
let stops = 0;
let windows = 0;
let stoppedNow = 0;
const failures: string[] = [];

/** What the storm did last, to be told beside a failure. */
const events: string[] = [];

function note(what: string): void {
  events.push(`${(performance.now() / 1000).toFixed(2)} s: ${what}`);
  if (events.length > 12) events.shift();
}

/** Ends the storm, too. */
function fail(what: string): void {
  failures.push(what);
  note(`FAILED: ${what}`);
}

const deaths = () => kills + [...hits.values()].reduce((sum, count) => sum + count, 0);

/** What is to become of a worker's process. */
type Fate =
  | { fault: string }
  | { kill: "all" | "run" | "command"; afterMilliseconds: number }
  | { stop: number; afterMilliseconds: number }
  | undefined;

function fateOf(): { kind: Kind; fate: Fate } {
  if (hostile && random() < 0.35) return hostileFate();
  const dice = random();
  if (dice < 0.4) {
    const fault = nextPoint();
    const kinds = kindsOfPoint[fault] ?? ["library", "run", "script"];
    return { kind: pick(kinds), fate: { fault } };
  }
  const kind =
    random() < 0.08
      ? "script"
      : pick([
          "library",
          "run",
          "library",
          "run",
          "shared",
          "newest",
          "crowded",
          "no-fork",
        ] as const);
  const afterMilliseconds = random() ** 2 * 400;
  if (dice < 0.9) {
    const kill =
      kind !== "library" && kind !== "script"
        ? pick(["all", "all", "run", "command"] as const)
        : "all";
    return { kind, fate: { kill, afterMilliseconds } };
  }
  if (dice < 0.95) return { kind, fate: { stop: random() ** 3 * 1500, afterMilliseconds } };
  return { kind, fate: undefined };
}

function hostileFate(): { kind: Kind; fate: Fate } {
  if (peers === 0 && random() < 0.05) return { kind: "remove", fate: undefined };
  const kind = pick(hostileKinds);
  const afterMilliseconds = random() ** 2 * 300;
  return { kind, fate: random() < 0.6 ? { kill: "all", afterMilliseconds } : undefined };
}

/** The point that lags behind most. */
function nextPoint(): string {
  const lag = (point: string) =>
    Math.max(hits.get(point) ?? 0, (aims.get(point) ?? 0) / (rarePoints.has(point) ? 32 : 4)) /
    (slowPoints.has(point) ? slowPointRate : 1);
  const [point = ""] = [...hits.keys()].toSorted((one, other) => lag(one) - lag(other));
  aims.set(point, (aims.get(point) ?? 0) + 1);
  return point;
}

const here = fileURLToPath(new URL(".", import.meta.url));

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

const children = new Set<Bun.Subprocess>();
/** What is set: one for all, and one that covers the date of a grant. */
const texts = ["busy", "busy with what everybody is busy with all the time"] as const;
/** When /dev/shm was full, or an object was deleted: what ends then may end as it likes, but not in the section. */
let troubledUntil = 0;

/** Starts a process in a group of its own. */
function spawn(words: readonly string[], variables: Record<string, string> = {}): Child {
  const child = Bun.spawn([...words], {
    env: { ...environment, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    onExit(ended) {
      children.delete(ended);
    },
  });
  children.add(child);
  return child;
}

function startWorker(kind: Exclude<Kind, "force">, point: string): Child {
  const sections = String(Math.ceil(random() ** 2 * 30));
  const fault = { RESOURCELOCK_FAULT: point };
  switch (kind) {
    case "library": {
      const script = [`${here}storm-worker.ts`, lockName, directory, sections];
      return spawn([process.execPath, "--define", "TEST_BUILD=true", ...script], fault);
    }
    case "text":
      return spawn([testBinary, "info", lockName, "--set", pick(texts)]);
    case "remove":
      return spawn([testBinary, "remove", "-q", lockName]);
    case "limited": {
      const command = ["--", process.execPath, `${here}section.ts`, directory, kind];
      const words = [testBinary, "run", "-q", "-t", "2", lockName, ...command];
      return spawn(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", ...words]);
    }
    case "run":
    case "no-fork":
    case "shared":
    case "now":
    case "newest":
    case "replace":
    case "crowded":
    case "slots":
    case "lapse": {
      const command = [process.execPath, `${here}section.ts`, directory, kind];
      const wish = {
        run: [],
        "no-fork": ["--no-fork"],
        shared: ["--shared"],
        now: ["-n"],
        newest: ["--newest"],
        replace: ["--replace"],
        crowded: ["--max-waiters", "1"],
        slots: ["--slots", pick(["1", "2", "3"])],
        lapse: ["-t", pick(["0.02", "0.2"])],
      }[kind];
      return spawn([testBinary, "run", ...wish, lockName, "--", ...command], fault);
    }
    default: {
      const ofUnget = pointsOfUnget.has(point);
      const faults = { GET_FAULT: ofUnget ? "" : point, UNGET_FAULT: ofUnget ? point : "" };
      return spawn(["sh", `${here}storm-script.sh`, lockName, directory, sections], faults);
    }
  }
}

/** Goes on starting workers, one after the other. */
async function keepWorking(): Promise<void> {
  while (failures.length === 0 && deaths() < deathsWanted) {
    const { kind, fate } = fateOf();
    const point = fate !== undefined && "fault" in fate ? fate.fault : "";
    if (kind === "force") await forceFromHolder(point);
    else await oneWorker(kind, point, fate);
  }
}

async function oneWorker(kind: Exclude<Kind, "force">, point: string, fate: Fate): Promise<void> {
  const started = performance.now();
  const child = startWorker(kind, point);
  const said = textOf(child);
  /** Whether it was killed from outside, and not by itself. */
  let killed = false;
  const meddling = async () => {
    if (fate === undefined || "fault" in fate) return;
    await Promise.race([child.exited, Bun.sleep(fate.afterMilliseconds)]);
    if ("stop" in fate) await stopForAWhile(child, fate.stop);
    else killed = killPart(child, fate.kill);
  };
  await Promise.all([meddling(), child.exited]);
  // 137 is what run and a script make of a death below them.
  const died = child.exitCode === 137 || child.signalCode === "SIGKILL";
  if (died && killed) kills += 1;
  else if (died) hits.set(point, (hits.get(point) ?? 0) + 1);
  // Of a run whose command lives on, the outputs end with that.
  const text = await said;
  if (text.includes("released by force") && started > troubledUntil) fail(`${kind}: ${text}`);
  const expected = expectedEnds[kind]?.includes(child.exitCode ?? 0) ?? false;
  const isTroubled = started < troubledUntil && child.exitCode !== 99;
  if (!died && !expected && !isTroubled && child.exitCode !== 0) {
    fail(`${kind} ended with ${child.exitCode ?? child.signalCode}: ${text}`);
  }
}

async function textOf({ stdout, stderr }: Child): Promise<string> {
  return (await Promise.all([stdout.text(), stderr.text()])).join("").trim();
}

/** Kills a worker, or of a run only a part. Whether there was something to kill. */
function killPart(child: Child, part: "all" | "run" | "command"): boolean {
  if (child.exitCode !== null || child.signalCode !== null) return false;
  const command = part === "command" ? childOf(child.pid) : undefined;
  return signal(part === "run" ? child.pid : (command ?? -child.pid), "SIGKILL");
}

function childOf(processId: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8").split(
      " ",
    );
    return Number(child) || undefined;
  } catch {
    return undefined;
  }
}

async function stopForAWhile(child: Child, milliseconds: number): Promise<void> {
  if (!signal(-child.pid, "SIGSTOP")) return;
  stops += 1;
  stoppedNow += 1;
  await Bun.sleep(milliseconds);
  signal(-child.pid, "SIGCONT");
  stoppedNow -= 1;
}

function signal(processId: number, name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): boolean {
  try {
    process.kill(processId, name);
    return true;
  } catch {
    return false;
  }
}

/** Somebody holds the lock without being in the section, and who forces it from him dies of it. */
async function forceFromHolder(point: string): Promise<void> {
  const holder = spawn([testBinary, "get", lockName, "-t", "-1", "-a", "1000"]);
  const reader = holder.stdout.getReader();
  // Where /dev/shm is full it gets nothing, and the force would hit somebody in the section.
  if ((await reader.read()).value === undefined) {
    await holder.exited;
    return;
  }
  const unget = spawn([testBinary, "unget", "-q", lockName], { RESOURCELOCK_FAULT: point });
  await unget.exited;
  if (unget.exitCode === 0) fail(`unget did not die at "${point}"`);
  else hits.set(point, (hits.get(point) ?? 0) + 1);
  holder.kill("SIGTERM");
  await holder.exited;
}

/** Deletes objects and fills /dev/shm, until the storm is over. */
async function trouble(isOver: () => boolean): Promise<void> {
  const isSmall = statfsSync("/dev/shm").blocks * statfsSync("/dev/shm").bsize <= 64 * 2 ** 20;
  while (!isOver()) {
    await Bun.sleep(500 + random() * 2500);
    if (isOver()) return;
    const dice = random();
    if (dice < 0.4) await deleteObject(`/dev/shm/${lockName}`);
    else if (dice < 0.6 && peers === 0) await deleteObject(`/dev/shm/sem.${lockName}`);
    else if (isSmall) await fillUp();
  }
}

async function deleteObject(path: string): Promise<void> {
  troubledUntil = performance.now() + deletedSeconds * 1000;
  troubles.deleted += 1;
  note(`deleted ${path}`);
  try {
    unlinkSync(path);
  } catch {
    // It is yet to be created again.
  }
}

async function fillUp(): Promise<void> {
  troubledUntil = Infinity;
  troubles.filled += 1;
  note("filled /dev/shm");
  const path = `/dev/shm/storm-fill-${process.pid}`;
  const filling = Bun.spawn(["dd", "if=/dev/zero", `of=${path}`, "bs=64k"], { stderr: "ignore" });
  await filling.exited;
  await Bun.sleep(100 + random() * 300);
  unlinkSync(path);
  troubledUntil = performance.now() + 1;
}

const troubles = { deleted: 0, filled: 0 };

/** The longest times without a grant: all, and while nobody was stopped by the storm. */
const longest = { overall: 0, running: 0 };

/** Looks after progress and violations, until the storm is over. */
async function watch(isOver: () => boolean): Promise<void> {
  let last = "";
  let before = performance.now();
  const gap = { overall: 0, running: 0 };
  while (!isOver()) {
    await Bun.sleep(lookMilliseconds);
    const time = performance.now();
    gap.overall += (time - before) / 1000;
    if (stoppedNow === 0 && time > troubledUntil) gap.running += (time - before) / 1000;
    before = time;
    // A peer's grants have no token, and a grant may die without a section.
    const progress = `${lastToken()} ${sectionsPassed()}`;
    if (progress !== last) [gap.overall, gap.running] = [0, 0];
    last = progress;
    longest.overall = Math.max(longest.overall, gap.overall);
    longest.running = Math.max(longest.running, gap.running);
    if (existsSync(`${directory}/violations`)) {
      fail(readFileSync(`${directory}/violations`, "utf8").trim());
      note(stateText());
      if (hostile) note(Bun.spawnSync([testBinary, "history", lockName]).stdout.toString());
      return;
    }
    if (peers > 0 && gap.running > windowSeconds && looksForeign()) {
      windows += 1;
      note(`unget, as nobody got in: ${stateText()}`);
      Bun.spawnSync([testBinary, "unget", "-q", lockName]);
      [gap.overall, gap.running] = [0, 0];
    }
    if (gap.running > longestGapSeconds + busyMachineSeconds) {
      fail(`nobody got in for ${gap.running.toFixed(1)} s: ${stateText()}`);
      return;
    }
  }
}

/** That of the last grant, as it stands in the header of the ledger. */
function lastToken(): string {
  try {
    return readFileSync(`/dev/shm/${lockName}.ledger`).subarray(32, 40).toString("hex");
  } catch {
    // It is yet to be made.
    return "";
  }
}

function sectionsPassed(): number {
  return Number(readFileSync(`${directory}/other`, "utf8")) || Number.NaN;
}

function stateText(): string {
  const { stdout, stderr } = Bun.spawnSync([testBinary, "state", lockName, "--json"], {
    timeout: 5000,
  });
  return `${String(stdout)}${String(stderr)}`.trim();
}

/** Whether the lock looks like a peer's, while nobody is in the section. */
function looksForeign(): boolean {
  let witness: string | undefined;
  try {
    witness = readFileSync(`${directory}/witness`, "utf8");
  } catch {
    // Nobody is there.
  }
  return (witness === undefined || !lives(witness)) && stateText().includes('"foreign"');
}

/** A small generator of random numbers that a seed repeats; when what happens does not. */
function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new RangeError("nothing to pick from");
  return value;
}

function startPeers(): Child[] {
  const words = ["python3", "-I", "-S", "-X", "utf8", `${here}storm_peer.py`, lockName, directory];
  if (hostile) words.push(...texts);
  return Array.from({ length: peers }, () => spawn(words));
}

async function endPeers(pythons: readonly Child[]): Promise<void> {
  // A peer waits behind a run --no-fork that has ended, until a participant comes.
  if (peers > 0) Bun.spawnSync([testBinary, "run", "-q", "-t", "20", lockName, "true"]);
  writeFileSync(`${directory}/end`, "");
  for (const python of pythons) {
    const said = await textOf(python);
    if ((await python.exited) !== 0) fail(`a Python peer ended with ${python.exitCode}: ${said}`);
  }
}

/** What the lock is like when all have gone. */
function checkTheEnd(): string {
  const get = Bun.spawnSync([testBinary, "get", lockName, "-t", "20"]);
  const unget = Bun.spawnSync([testBinary, "unget", lockName]);
  if (get.exitCode !== 0 || unget.exitCode !== 0) {
    fail(`the last get ended with ${get.exitCode}, the last unget with ${unget.exitCode}`);
  }
  const state: { value: number; holders: unknown[]; waiters: unknown[] } = JSON.parse(stateText());
  const { value, holders, waiters } = state;
  if (value !== 1 || holders.length > 0 || waiters.length > 0) fail(`the end: ${stateText()}`);
  return `semaphore ${value}, ${holders.length} holders, ${waiters.length} waiters`;
}

async function storm(): Promise<void> {
  for (const name of ["one", "other"]) writeFileSync(`${directory}/${name}`, "0\n");
  const start = performance.now();
  const pythons = startPeers();
  let over = false;
  const watching = watch(() => over);
  const troubling = hostile ? trouble(() => over) : undefined;
  await Promise.race([
    Promise.all(Array.from({ length: workers }, keepWorking)),
    watching.then(() => undefined),
  ]);
  if (failures.length === 0) await endPeers(pythons);
  over = true;
  await watching;
  await troubling;
  const seconds = Math.round((performance.now() - start) / 1000);
  const end = failures.length === 0 ? checkTheEnd() : "";
  console.log(
    `seed ${seed}, ${workers} workers, ${peers} peers: ${deaths()} deaths in ${seconds} s, ${kills} of them from outside; ${stops} stops; ${sectionsPassed()} critical sections`,
  );
  console.log(
    `deaths at fault points: ${[...hits].map(([point, count]) => `${point} ${count}`).join(", ")}`,
  );
  console.log(
    `longest time without a grant: ${longest.running.toFixed(2)} s; with the times in which a worker was stopped ${longest.overall.toFixed(2)} s`,
  );
  if (peers > 0) {
    console.log(`deaths in the window that is documented, freed by unget: ${windows}`);
    if (windows > Math.max(2, deaths() / 100)) fail("too many of them");
  }
  if (hostile) {
    console.log(
      `objects deleted ${troubles.deleted} times, /dev/shm filled ${troubles.filled} times`,
    );
  }
  if (end !== "") console.log(`at the end: ${end}`);
  const rare = [...hits].filter(([, count]) => count < fewestHits).map(([point]) => point);
  if (deathsWanted >= 1000 && rare.length > 0) fail(`hit too rarely: ${rare.join(", ")}`);
}

try {
  await storm();
} finally {
  for (const { pid } of children) signal(-pid, "SIGKILL");
  if (failures.length === 0) rmSync(directory, { recursive: true });
  for (const file of readdirSync("/dev/shm")) {
    const isOurs = [`sem.${lockName}`, lockName, `${lockName}.ledger`].includes(file);
    if (isOurs && failures.length === 0) rmSync(`/dev/shm/${file}`);
  }
}
if (failures.length > 0) for (const event of events) console.log(event);
for (const failure of failures) console.log(`FAILED: ${failure}`);
if (failures.length > 0) console.log(`kept for a look: ${directory} and /dev/shm/*${lockName}*`);
else console.log("the critical section was never entered twice");
process.exit(failures.length > 0 ? 1 : 0);
