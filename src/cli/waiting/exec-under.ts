/** Letting a command take the place of `run`, under locks that end with the command: run --no-fork. */
import type { PreparedCommand } from "../../posix/child.ts";
import { faultPoint } from "../../posix/fault-point.ts";
import type { Job } from "../arguments/job.ts";
import type { WaitContext } from "./acquire.ts";
import { variablesOf } from "./around.ts";
import { type JobLocks, lowestDescriptor, endUnstarted } from "./run-under.ts";
import { Interrupted } from "./signals.ts";

/**
 * Replaces this process by the command of a job. The descriptors that it inherits hold the locks as long as it or a child
 * of it lives; nobody is left to release them, so their seats say that their end is a release.
 *
 * @returns the exit status of `run`, if the command could not be started
 */
export async function execUnder(
  { grants, joined }: JobLocks,
  job: Job,
  { trap }: WaitContext,
  command: PreparedCommand,
): Promise<number> {
  try {
    for (const grant of grants) grant.childDescriptor(lowestDescriptor);
    const variables = variablesOf(grants, joined, job.kind);
    // From here on a signal ends this process, as it is going to end the command. One that came before is seen in a turn.
    trap.release();
    await trap.turn();
    if (trap.received !== undefined) throw new Interrupted(trap.received);
    faultPoint("before-exec");
    command.replaceProcess(variables);
    throw new Error("Cannot tell why the command was not started");
  } catch (error) {
    return await endUnstarted(grants, job, error);
  }
}
