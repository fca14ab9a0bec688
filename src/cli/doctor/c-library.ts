/** What `doctor` says of the C library. */
import type { Finding } from "./finding.ts";

/** The release that has sem_clockwait. */
const clockwaitRelease = [2, 30] as const;

/** @param version as in `2.36` */
export function cLibrary(version: string): Finding {
  const check = "C library";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [firstMajor, firstMinor] = clockwaitRelease;
  if (major > firstMajor || (major === firstMajor && minor >= firstMinor)) {
    return { check, verdict: "ok", text: `glibc ${version}, which has all that is used.` };
  }
  return {
    check,
    verdict: "note",
    text: `glibc ${version} has no sem_clockwait (2.30 has). When the clock is set, a wait may end too early or too late.`,
  };
}
