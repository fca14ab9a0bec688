/** The program: from argv to the end of the process. */
import { main, statusOfSignal } from "./cli/root.ts";
import { dieBySignal, exitProcess } from "./posix/process.ts";

const ending = await main(process.argv.slice(2));
if ("status" in ending) exitProcess(ending.status);
dieBySignal(ending.signal);
exitProcess(statusOfSignal(ending.signal));
