/** A short soak: nobody is inside beside somebody else while all kinds of things fail. */
import { expect, test } from "bun:test";
import { haveEtcd } from "./etcd-cluster.ts";
import { soak } from "./soak.ts";

test.skipIf(!haveEtcd)(
  "a witness never hears a token fall while members, ways and clients fail",
  async () => {
    const report = await soak(60, 8);
    expect(report).toMatchObject({ falls: 0, left: [] });
    expect(report.grants).toBeGreaterThan(10);
  },
  300_000,
);
