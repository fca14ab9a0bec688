/** What a run of `bun test` came to, from the report that it writes for machines (JUnit's XML). */

export interface TestResult {
  file: string;
  /** As in "describe > test". */
  name: string;
  result: "passed" | "failed" | "skipped";
  seconds: number;
  /** What was wrong with one that failed. */
  text: string;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (entity, code?: string, name?: string) =>
    code === undefined ? (entities[name ?? ""] ?? entity) : String.fromCodePoint(Number(code)),
  );
}

/** @throws {Error} when it is not the whole report */
export function testResults(xml: string): TestResult[] {
  const cases = xml.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs);
  const results = Array.from(cases, ([, head = "", body = ""]) => testResult(head, body));
  const [, total] = /<testsuites [^>]*\btests="(\d+)"/.exec(xml) ?? [];
  if (results.length !== Number(total)) {
    throw new Error(`${results.length} tests were found in a report of ${total}`);
  }
  return results;
}

function testResult(head: string, body: string): TestResult {
  const attribute = (name: string) =>
    unescape(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(head)?.[1] ?? "");
  const name = attribute("name");
  // Bun writes the innermost describe first.
  const groups = attribute("classname").split(" > ").toReversed();
  const failed = body.includes("<failure");
  const skipped = body.includes("<skipped") || body.includes("<todo");
  return {
    file: attribute("file"),
    name: [...groups.filter((group) => group !== ""), name].join(" > "),
    result: failed ? "failed" : skipped ? "skipped" : "passed",
    seconds: Number(attribute("time")),
    text: unescape(/<failure[^>]*>(.*?)<\/failure>/s.exec(body)?.[1] ?? ""),
  };
}

/** How many passed, failed and were skipped, in one line. */
export function totalText(results: readonly TestResult[]): string {
  const count = (which: TestResult["result"]) =>
    results.filter(({ result }) => result === which).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}

/** The slowest tests, a line each, the slowest first. */
export function slowestText(results: readonly TestResult[], count = 10): string {
  return results
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, count)
    .map(({ seconds, file, name }) => `${seconds.toFixed(1).padStart(7)} s  ${file}: ${name}\n`)
    .join("");
}
