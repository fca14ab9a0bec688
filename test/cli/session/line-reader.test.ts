import { describe, expect, test } from "bun:test";
import { LineReader } from "../../../src/cli/session/line-reader.ts";
import { closeFile } from "../../../src/posix/file.ts";
import { openPipe } from "../../../src/posix/pipe.ts";

describe("LineReader", () => {
  test("next() looks now and then only, when no line comes and the event loop runs", async () => {
    const { readEnd, writeEnd } = openPipe();
    try {
      const reader = new LineReader(readEnd, { runsEventLoop: true });
      let looks = 0;
      const end = performance.now() + 1000;
      const line = await reader.next(async () => {
        looks += 1;
        return performance.now() > end;
      });
      expect(line).toBeUndefined();
      // 20 a second; each takes a bit of the processor.
      expect(looks).toBeLessThan(40);
    } finally {
      closeFile(readEnd);
      closeFile(writeEnd);
    }
  });
});
