/**
 * The tests of the commands that the arm64 binary cannot pass while qemu-user emulates the processor, and why.
 * On a machine with that processor it has to pass them.
 */

/** As in "describe > test", each with the reason. */
export const limits: ReadonlyMap<string, string> = new Map([
  ...named("exec fails unseen: posix_spawn reports it through memory that qemu does not share", [
    "run of a command that does not exist ends with 127 and releases the lock",
    ...["run -n echo no-such-command", "run NAME -t 5 min true", "run NAME min"].map(
      (words) => `${words} tells what it took for the command, and what may have been meant`,
    ),
    "run of a file that cannot be executed ends with 126 and releases the lock",
    "run ends by a signal while it is not read why it could not start its command",
    `run of a script that begins with ${JSON.stringify("#!/bin/sh\r\necho run\r\n")} says what was not found`,
    `run of a script that begins with ${JSON.stringify("#! /no/such/shell -e\necho run\n")} says what was not found`,
    ...wrapped("./a-script, without a #!, is run by a shell"),
    ...wrapped("a-script, without a #!, is run by a shell"),
    ...wrapped("$PWD/a-script, without a #!, is run by a shell"),
  ]),
  ...named("ignored signals reach no command: qemu has handlers of its own on them", [
    "run --no-fork leaves the command as its caller would have started it: with ignored signals",
    ...wrapped("nohup lets it outlive a hangup of run and command"),
    ...[
      "INT",
      "TERM",
      "HUP",
      "QUIT",
      "INT QUIT",
      "HUP INT QUIT TERM",
      "USR1 USR2 ALRM WINCH TSTP TTIN TTOU CONT URG IO VTALRM PROF RTMIN RTMAX",
    ].flatMap((signals) =>
      wrapped(`signals that are ignored stay so, and others do not: ${signals}`),
    ),
    ...[
      " ... & wait",
      "trap '' INT; ... & wait",
      "trap '' TERM; ... & wait",
      "trap '' HUP; ... ; exit",
      "trap '' QUIT; ... ; exit",
      "trap '' HUP INT QUIT TERM; ... ; exit",
    ].map(
      (script) => `on a terminal > signals that a script ignores are so in its commands: ${script}`,
    ),
  ]),
]);

function named(reason: string, tests: readonly string[]): [string, string][] {
  return tests.map((test) => [test, reason]);
}

function wrapped(test: string): string[] {
  return [`the command does not notice that it is wrapped: > ${test}`];
}
