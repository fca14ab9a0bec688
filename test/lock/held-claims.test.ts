import { expect, test } from "bun:test";
import { formatHeldClaim, readHeldClaims } from "../../src/lock/held-claims.ts";

test("readHeldClaims() reads what formatHeldClaim() writes, a colon in a name included", () => {
  const text =
    formatHeldClaim({ name: "a:b", token: 7 }) +
    formatHeldClaim({ name: "c", token: 8, claim: "x9" });
  expect(text).toBe("/a:b:7/c:x9");
  expect(readHeldClaims(text)).toEqual([
    { name: "a:b", claim: "7" },
    { name: "c", claim: "x9" },
  ]);
  expect(readHeldClaims("")).toEqual([]);
});
