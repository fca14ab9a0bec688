/** The models in the small: some cases hold, and two broken rules of each fail. */
import { expect, test } from "bun:test";
import { canVerify, right, verify } from "./verify.ts";

test.skipIf(!canVerify).each(["ledger", "etcd"])(
  "the model of %s holds in the small, and mutants of it fail",
  async (model) => {
    // Seconds on an idle machine, none where the model was verified before.
    expect(await verify([model], { deadlineSeconds: 280 })).toEqual(right);
  },
);
