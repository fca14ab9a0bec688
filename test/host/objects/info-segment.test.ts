import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { InfoSegment } from "../../../src/host/objects/info-segment.ts";
import { newLockName } from "../../support/binary.ts";

describe("InfoSegment.create()", () => {
  test("makes a whole segment of zeros, or fails with EEXIST and leaves no descriptor open", () => {
    const path = `/dev/shm/${newLockName()}`;
    InfoSegment.create(path, { bytes: 8192, access: {} }).close();
    expect(readFileSync(path)).toEqual(Buffer.alloc(8192));
    const before = readdirSync("/proc/self/fd").length;
    expect(() => InfoSegment.create(path, { bytes: 8192, access: {} })).toThrow("File exists");
    expect(readdirSync("/proc/self/fd")).toHaveLength(before);
  });
});
