/** A command line that cannot be understood: status 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
