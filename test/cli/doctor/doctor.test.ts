/** What `doctor` says of what no test can be put on: other C libraries, other configurations, other terminals. */
import { describe, expect, test } from "bun:test";
import { type Finding, findingJson, findingLines } from "../../../src/cli/doctor/finding.ts";
import { cLibrary, removeIpc } from "../../../src/cli/doctor/host.ts";

/** What is in force where there are only files with these texts. */
const inForce = (texts: Record<string, string>) =>
  removeIpc({
    read: (path) => texts[path],
    list: (directory) =>
      Object.keys(texts)
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1)),
  });

const setTo = (value: string) => `[Login]\nRemoveIPC=${value}\n`;

describe("RemoveIPC", () => {
  test("is yes where nobody says otherwise", () => {
    expect(inForce({})).toEqual({ value: true, path: undefined });
    const comments = "[Login]\n#RemoveIPC=no\n;RemoveIPC=no\n[Other]\nRemoveIPC=no\n";
    expect(inForce({ "/etc/systemd/logind.conf": comments })).toEqual({
      value: true,
      path: undefined,
    });
  });

  test.each([
    ["no", false],
    ["0", false],
    ["Off", false],
    ["yes", true],
    ["TRUE", true],
  ])("may be %s", (text, value) => {
    const path = "/usr/lib/systemd/logind.conf";
    expect(inForce({ [path]: setTo(text) })).toEqual({ value, path });
  });

  test("is what its last line says that systemd understands", () => {
    const path = "/etc/systemd/logind.conf";
    const text = `[Login]\n RemoveIPC = yes \nRemoveIPC=no\nRemoveIPC=perhaps\nKillUserProcesses=yes\n`;
    expect(inForce({ [path]: text })).toEqual({ value: false, path });
  });

  test("of the main file in /etc hides the one in /usr/lib", () => {
    const texts = {
      "/usr/lib/systemd/logind.conf": setTo("no"),
      "/etc/systemd/logind.conf": "[Login]\n",
    };
    expect(inForce(texts)).toEqual({ value: true, path: undefined });
  });

  test("of a drop-in wins over the main file, and the last drop-in by name over the others", () => {
    const last = "/usr/lib/systemd/logind.conf.d/90-b.conf";
    const texts = {
      "/etc/systemd/logind.conf": setTo("no"),
      [last]: setTo("yes"),
      "/etc/systemd/logind.conf.d/10-a.conf": setTo("no"),
      "/etc/systemd/logind.conf.d/95.conf.bak": setTo("no"),
    };
    expect(inForce(texts)).toEqual({ value: true, path: last });
  });

  test("of a drop-in in /etc hides the one of that name in /run and /usr/lib", () => {
    const texts = {
      "/etc/systemd/logind.conf.d/a.conf": "",
      "/run/systemd/logind.conf.d/a.conf": setTo("no"),
      "/usr/lib/systemd/logind.conf.d/a.conf": setTo("no"),
    };
    expect(inForce(texts)).toEqual({ value: true, path: undefined });
  });
});

const plain = (_: string, text: string) => text;

describe("a finding", () => {
  const finding: Finding = {
    check: "lock",
    verdict: "warning",
    lock: "日本\u001B",
    text: "Something is the matter with it. Nobody knows what.",
    advice: "Look.",
  };

  test("is one line where there is no terminal, control characters escaped", () => {
    expect(findingLines(finding, Infinity, plain)).toEqual([
      'warning  lock "日本\\x1b": Something is the matter with it. Nobody knows what. Look.',
    ]);
  });

  test("is wrapped to a terminal's width, below where it began", () => {
    expect(findingLines(finding, 40, plain)).toEqual([
      'warning  lock "日本\\x1b": Something is',
      "         the matter with it. Nobody",
      "         knows what. Look.",
    ]);
  });

  test.each([1, 10, 20, 29, 30, 39, 40, 80])("loses no word in %d columns", (columns) => {
    const words = findingLines(finding, columns, plain).join(" ").split(/ +/);
    expect(words.join(" ")).toBe(
      'warning lock "日本\\x1b": Something is the matter with it. Nobody knows what. Look.',
    );
  });

  test.each([12, 20, 29])("has its verdict on a line of its own in %d columns", (columns) => {
    const [first, ...others] = findingLines(finding, columns, plain);
    expect(first).toBe("warning");
    for (const line of others) {
      expect(line).toMatch(/^ \S/);
      // A word by itself may be wider.
      if (line.trim().includes(" ")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
    }
  });

  test("has its verdict painted, and nothing else", () => {
    const [line] = findingLines(finding, Infinity, (style, text) => `{${style} ${text}}`);
    expect(line).toStartWith("{yellow warning}  lock ");
    expect(line?.match(/[{}]/g)).toHaveLength(2);
  });

  test("has the same fields in JSON, whatever it is about", () => {
    const fields = Object.keys(findingJson(finding));
    expect(Object.keys(findingJson(cLibrary("2.36")))).toEqual(fields);
    const access = { user: "pi (1000)", group: "gpio (997)", mode: "0660" };
    expect(findingJson({ ...finding, access })).toMatchObject(access);
  });
});
