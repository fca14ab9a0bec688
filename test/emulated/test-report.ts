/** What a run of `bun test` came to, from the report that it writes for machines (JUnit's XML). */

export interface TestResult {
  /** As in "describe > test". */
  name: string;
  result: "passed" | "failed" | "skipped";
  /** What was wrong with one that failed. */
  text: string;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (entity, code?: string, name?: string) =>
    code === undefined ? (entities[name ?? ""] ?? entity) : String.fromCodePoint(Number(code)),
  );
}

/** @throws {Error} where it is not the whole report */
export function testResults(xml: string): TestResult[] {
  const results = [
    ...xml.matchAll(
      /<testcase name="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs,
    ),
  ].map(([, name = "", group = "", body = ""]): TestResult => {
    const result = body.includes("<failure")
      ? "failed"
      : body.includes("<skipped")
        ? "skipped"
        : "passed";
    return {
      name: unescape(group === "" ? name : `${group} > ${name}`),
      result,
      text: unescape(/<failure[^>]*>(.*?)<\/failure>/s.exec(body)?.[1] ?? ""),
    };
  });
  const [, total] = /<testsuites [^>]*\btests="(\d+)"/.exec(xml) ?? [];
  if (results.length === 0 || results.length !== Number(total)) {
    throw new Error(`${results.length} tests were found in a report of ${total}`);
  }
  return results;
}
