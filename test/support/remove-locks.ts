/** Loaded before all test files, as a hook in a module that several of them load is only the first one's. */
import { afterAll, afterEach } from "bun:test";
import { removeLocks } from "./binary.ts";

afterEach(removeLocks);
afterAll(removeLocks);
