/** Noise in the ledger under a living holder, in many rounds with --all: nobody gets in beside it. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { haveMountNamespaces, PrivateSharedMemory } from "../faults/private-shared-memory.ts";
import { isWhole } from "../support/binary.ts";
import { binary } from "../support/process.ts";
import { expectDecent } from "./outcome.ts";
import { Random } from "./random.ts";

test.skipIf(!(await haveMountNamespaces()))(
  "noise in the ledger lets nobody in beside a living holder",
  async () => {
    const random = new Random("noise");
    await using memory = await PrivateSharedMemory.mount("size=64m,mode=1777");
    const path = `${memory.directory}/x.ledger`;
    for (let round = 0; round < (isWhole ? 150 : 4); round++) {
      const holder = memory.start(
        binary,
        "run",
        "x",
        "--",
        "sh",
        "-c",
        "echo held; read end; echo done",
      );
      await holder.stdout.until("held\n");
      const bytes = readFileSync(path);
      // Whole seats and runs of bytes: one word alone could say what a participant might have written.
      for (let count = 1 + random.below(3); count > 0; count--) {
        bytes.set(random.bytes(64 + random.below(256)), random.below(bytes.length - 320));
      }
      writeFileSync(path, bytes);
      for (const words of [
        ["run", "x", "-n", "--", "echo", "beside"],
        ["run", "x", "-t", "0.3", "--", "echo", "beside"],
      ]) {
        const outcome = await memory.run("timeout", "-k", "30", "20", binary, ...words);
        expect({ round, stdout: outcome.stdout }).toEqual({ round, stdout: "" });
        expectDecent(words, outcome);
      }
      await holder.tell("end\n");
      const { status, stdout, stderr } = await holder.end();
      expect(stdout).toBe("held\ndone\n");
      // The noise may say that the lock was taken from it.
      if (status === 69) expect(stderr).toContain("by force");
      else expect({ round, status }).toEqual({ round, status: 0 });
      for (const file of ["x", "x.ledger", "sem.x"]) {
        if (existsSync(`${memory.directory}/${file}`)) rmSync(`${memory.directory}/${file}`);
      }
    }
  },
  1_800_000,
);
