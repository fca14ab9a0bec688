/** The manual page that the program has in it. */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bash, haveTools, resourcelock } from "../../support/binary.ts";
import { newDirectory } from "../../support/directory.ts";
import { printed } from "./scenario.ts";
import { Terminal } from "./terminal.ts";

const source = readFileSync(
  join(import.meta.dir, "../../../src/cli/manual/resourcelock.1"),
  "utf8",
);

test("man that is piped prints the source of the page, byte for byte", async () => {
  expect(await resourcelock("man")).toEqual(printed(source));
});

test("man takes no name and no options but help", async () => {
  expect(await resourcelock("man", "demo")).toMatchObject({ status: 64, stdout: "" });
  expect(await resourcelock("man", "--json")).toMatchObject({ status: 64, stdout: "" });
});

test("man says so where the page cannot be written", async () => {
  const { status, stderr } = await bash("resourcelock man >/dev/full");
  expect({ status, stderr }).toEqual({
    status: 71,
    stderr: "resourcelock: Cannot write to stdout: No space left on device\n",
  });
});

describe.skipIf(!haveTools("tmux"))("on a terminal man", () => {
  describe.skipIf(!haveTools("man"))("with man(1)", () => {
    test("shows the page as that does", async () => {
      const terminal = await Terminal.open();
      await terminal.command("MANPAGER=cat resourcelock man");
      const screen = await terminal.prompt();
      expect(screen).toMatch(/^SEE ALSO$/m);
      expect(screen).toMatch(/^resourcelock \S+ +\S+ +RESOURCELOCK\(1\)$/m);
      expect(await terminal.status()).toBe("0");
    });

    test("leaves ^C to the pager", async () => {
      const terminal = await Terminal.open();
      const pager = join(newDirectory(), "pager");
      const script = `trap 'echo caught' INT; cat >/dev/null; echo ready; read -r a </dev/tty; echo left`;
      writeFileSync(pager, `#!/bin/bash\n${script}\n`, { mode: 0o755 });
      await terminal.command(`MANPAGER=${pager} resourcelock man`);
      await terminal.see(/^ready$/m);
      await terminal.press("C-c");
      await terminal.see(/caught$/m);
      await terminal.press("Enter");
      await terminal.see(/^left$/m);
      await terminal.prompt();
      expect(await terminal.status()).toBe("0");
    });
  });

  test("without man(1) prints the page as plain text, as wide as the terminal", async () => {
    const terminal = await Terminal.open({ columns: 70, lines: 60 });
    await terminal.command(
      "PATH=. resourcelock man | tail -n 5; PATH=. resourcelock man >/dev/tty",
    );
    const screen = await terminal.prompt();
    expect(screen).toContain("\nSEE ALSO\n       flock(1), sem_overview(7), shm_overview(7)");
    expect(screen).not.toMatch(/^\.[A-Z]/m);
  });
});
