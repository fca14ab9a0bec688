import type { Work } from "../context.ts";
export default {
  name: "x",
  title: "x",
  measure() {
    return Promise.resolve({ how: "", tables: [], aims: [] });
  },
} satisfies Work;
