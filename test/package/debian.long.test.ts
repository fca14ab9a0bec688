/** The Debian packages: what lintian says, and their life on fresh systems. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";
import { root, stdoutOf } from "../support/clone.ts";
import { canChangeRoot, Chroot, haveSystem } from "./chroot.ts";
import { canPackage, debs, dist } from "./packages.ts";

const laterVersion = "99.0";

const canInstall = canPackage && canChangeRoot();

/** bullseye has glibc 2.31, where semaphores are not in libc.so.6 yet. */
const systems = [
  { suite: "bookworm", isThere: canInstall && (await haveSystem("bookworm")) },
  { suite: "bullseye", isThere: canInstall && (await haveSystem("bullseye", { optional: true })) },
];

async function output(...words: string[]): Promise<string> {
  return stdoutOf(words.join(" "), await runToEnd(words));
}

/** What a package says of itself, but for its size. */
const fields = async (name: keyof typeof debs) =>
  (await output("dpkg-deb", "--field", debs[name])).replace(/^Installed-Size: .*\n/m, "");

/** Mode, owner and path of all that a package installs. */
const listing = async (name: keyof typeof debs) =>
  (await output("dpkg-deb", "--contents", debs[name]))
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ +/))
    .map(([mode, owner, , , , path]) => `${mode} ${owner} ${path}`);

describe.skipIf(!canPackage)("a Debian package", () => {
  const architectures = ["amd64", "arm64"] as const;

  test.skipIf(!haveTools("lintian")).each(architectures)("%s is without fault", async (name) => {
    const { status, stdout } = await runToEnd(["lintian", "--fail-on=error", debs[name]], {
      deadlineSeconds: 280,
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });

  test("names the author of package.json as its maintainer, and leaves no gap open", async () => {
    const { author } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(await fields("amd64")).toContain(`\nMaintainer: ${author}\n`);
    expect(await fields("amd64")).not.toContain("@HOMEPAGE@");
  });

  test("names its architecture, and is the same in all else that it names", async () => {
    expect(await fields("amd64")).toContain(`\nVersion: ${version}\nArchitecture: amd64\n`);
    expect(await fields("arm64")).toBe(
      (await fields("amd64")).replace("Architecture: amd64", "Architecture: arm64"),
    );
  });

  test("has the program, the same files for each architecture, and all of them root's", async () => {
    const files = await listing("amd64");
    expect(await listing("arm64")).toEqual(files);
    expect(files.filter((line) => !/^(?:d|-rw)\S+ root\/root /.test(line))).toEqual([]);
    for (const file of [
      "-rwxr-xr-x root/root ./usr/bin/resourcelock",
      "-rw-r--r-- root/root ./usr/share/man/man1/resourcelock.1.gz",
      "-rw-r--r-- root/root ./usr/share/bash-completion/completions/resourcelock",
      "-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_resourcelock",
      "-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/resourcelock.fish",
      "-rw-r--r-- root/root ./usr/share/doc/resourcelock/copyright",
    ]) {
      expect(files).toContain(file);
    }
  });

  test.each([
    ["amd64", "resourcelock-linux-x64"],
    ["arm64", "resourcelock-linux-arm64"],
  ] as const)("%s has the binary of that architecture", async (name, binary) => {
    const extracting = Bun.spawn(["dpkg-deb", "--fsys-tarfile", debs[name]]);
    const words = ["tar", "--extract", "--to-stdout", "./usr/bin/resourcelock"];
    const program = Bun.spawn(words, { stdin: extracting.stdout });
    const packed = await program.stdout.bytes();
    expect(Buffer.compare(packed, readFileSync(dist(binary)))).toBe(0);
  });
});

describe.skipIf(!canInstall)("on a fresh Debian", () => {
  let directory = "";
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "test-package-"));
    const tree = join(directory, "tree");
    await output("dpkg-deb", "--raw-extract", debs.amd64, tree);
    await output("sed", "-i", `s/^Version: .*/Version: ${laterVersion}/`, `${tree}/DEBIAN/control`);
    await output("dpkg-deb", "-Znone", "--build", tree, join(directory, "later.deb"));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  /** A fresh system, with the package and its next version in /root. */
  async function fresh(suite: string): Promise<Chroot> {
    const chroot = await Chroot.of(suite);
    copyFileSync(debs.amd64, join(chroot.directory, "root/this.deb"));
    copyFileSync(join(directory, "later.deb"), join(chroot.directory, "root/later.deb"));
    return chroot;
  }

  for (const { suite, isThere } of systems) {
    describe.skipIf(!isThere)(suite, () => {
      test("it is installed without any other package, works, and has its manual page and completions", async () => {
        await using system = await fresh(suite);
        await system.output("dpkg -i /root/this.deb");
        expect(await system.output("resourcelock --version")).toBe(`resourcelock ${version}\n`);
        expect(await system.output("resourcelock run demo -- echo hi")).toBe("hi\n");
        const session = `
          resourcelock get demo -m backup
          resourcelock state demo --check || echo locked
          resourcelock run demo -n -- echo never || echo status $?
          resourcelock unget demo
          resourcelock state demo --check && echo free`;
        const { status, stdout } = await system.run(session);
        expect({ status, stdout }).toEqual({
          status: 0,
          stdout: `demo: locked; release it with: resourcelock unget demo
locked
status 75
demo: released
free
`,
        });

        const page = await system.output("zcat /usr/share/man/man1/resourcelock.1.gz");
        expect(page).toBe(readFileSync(join(root, "src/cli/manual/resourcelock.1"), "utf8"));
        for (const [shell, path] of [
          ["bash", "bash-completion/completions/resourcelock"],
          ["zsh", "zsh/vendor-completions/_resourcelock"],
          ["fish", "fish/vendor_completions.d/resourcelock.fish"],
        ]) {
          const completions = await system.output(`resourcelock complete ${shell}`);
          expect(completions).toContain("resourcelock");
          expect(await system.output(`cat /usr/share/${path}`)).toBe(completions);
        }
      });

      test("an upgrade leaves locks held, and commands under them running", async () => {
        await using system = await fresh(suite);
        await system.output("dpkg -i /root/this.deb; resourcelock get detached");
        const run = system.start("resourcelock run attached -- sh -c 'echo runs; read -r line'");
        await run.stdout.until("runs\n");
        await system.output("dpkg -i /root/later.deb");
        const query = "dpkg-query --show --showformat '${Version} ${Status}' resourcelock";
        expect(await system.output(query)).toBe(`${laterVersion} install ok installed`);
        for (const name of ["detached", "attached"]) {
          expect((await system.run(`resourcelock state ${name} --check`)).status).toBe(1);
        }
        await run.tell("go on\n");
        expect((await run.end()).status).toBe(0);
        expect(await system.output("resourcelock run attached -n -- echo next")).toBe("next\n");
        expect(await system.output("resourcelock unget detached")).toContain("released");
      });

      test("removed and purged, it leaves nothing behind", async () => {
        await using system = await fresh(suite);
        // What dpkg keeps about any package, and its log.
        const list = "find / -xdev -not -path '/var/lib/dpkg/*' -not -path /var/log/dpkg.log";
        const before = await system.output(list);
        await system.output("dpkg -i /root/this.deb; resourcelock run demo -- true");
        expect(await system.output(list)).not.toBe(before);
        await system.output("dpkg --remove resourcelock; dpkg --purge resourcelock");
        expect(await system.output(list)).toBe(before);
        const query = await system.run("dpkg-query --show resourcelock");
        expect(query.stderr).toContain("no packages found");
      });
    });
  }
});
