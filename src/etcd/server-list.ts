/** The servers of `--server URL[,URL...]`, and how to speak to them. */
import { LockServerError } from "../lock/errors.ts";

const defaultPort = "2379";

/**
 * The members of a cluster, each as `http://host:port`.
 *
 * @throws {LockServerError} with fault `address` saying what is wrong with which URL
 */
export function parseServerList(text: string): string[] {
  if (text.includes("@")) {
    // Before anything else is found wrong with it: whatever stands before the last @ may be a password.
    throw wrongAddress(
      text.slice(text.lastIndexOf("@") + 1),
      "it must not contain a user or password; use RESOURCELOCK_SERVER_USER",
    );
  }
  const endpoints = text
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "")
    .map(endpointOf);
  if (endpoints.length === 0) throw wrongAddress(text, "it names no server");
  return [...new Set(endpoints)];
}

function endpointOf(text: string): string {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null) throw wrongAddress(text, "it is not a URL such as http://127.0.0.1:2379");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw wrongAddress(text, "it is neither http:// nor https://");
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw wrongAddress(text, "it has more than a host and a port");
  }
  const hasPort = /:\d+\/?$/.test(text);
  const port = url.port === "" && !hasPort ? `:${defaultPort}` : "";
  return `${url.protocol}//${url.host}${port}`;
}

function wrongAddress(shown: string, cause: string): LockServerError {
  return new LockServerError(
    "address",
    `Cannot use ${JSON.stringify(shown)} as a lock server: ${cause}`,
  );
}
