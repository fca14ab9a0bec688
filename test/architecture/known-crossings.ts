/** What does not hold yet. An entry that is mended has to go; none may come. */

export const knownCrossings: readonly string[] = [
  "src/cli/arguments/values.ts -> src/host/objects/access.ts",
  "src/cli/arguments/values.ts -> src/host/host-lock.ts",
  "src/cli/arguments/values.ts -> src/host/resource-lock.ts",
  "src/cli/commands/complete.ts -> src/host/objects/files.ts",
  "src/cli/commands/get.ts -> src/host/resource-lock.ts",
  "src/cli/commands/list.ts -> src/host/inventory/list.ts",
  "src/cli/commands/run.ts -> src/host/resource-lock.ts",
  "src/cli/commands/trace.ts -> src/host/inventory/list.ts",
  "src/cli/pictures/lock-watch.ts -> src/host/objects/files.ts",
  "src/cli/pictures/lock-watch.ts -> src/host/resource-lock.ts",
  "src/cli/status/existing.ts -> src/host/inventory/leftover.ts",
  "src/cli/status/existing.ts -> src/host/resource-lock.ts",
  "src/cli/status/lock-facts.ts -> src/host/resource-lock.ts",
  "src/cli/terminal/output.ts -> src/host/host-lock.ts",
  "src/cli/waiting/await-grant.ts -> src/host/acquire.ts",
  "src/cli/waiting/await-grant.ts -> src/host/kernel-wait.ts",
  "src/cli/waiting/await-grant.ts -> src/host/resource-lock.ts",
  "src/lock/info-text.ts -> src/posix/clock.ts",
];

export const knownCircles: readonly string[] = [];
