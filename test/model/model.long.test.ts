/** The models hold in all their cases, and fail where a rule of theirs is broken. */
import { expect, test } from "bun:test";
import { canVerify, right, verify } from "./verify.ts";

const deadlineSeconds = 40 * 60;

test.skipIf(!canVerify).each(["ledger", "etcd"])(
  "the model of %s holds in all its cases, and every mutant fails",
  async (model) => {
    expect(await verify([model, "--all"], { deadlineSeconds })).toEqual(right);
  },
  deadlineSeconds * 1000,
);
