/**
 * One request to one member of the cluster, over etcd's JSON gateway: POST /v3/..., an answer that is bounded in
 * time and size, and an error that says in one line what is wrong with which server.
 */
import type { TlsSettings } from "./credentials.ts";
import { LockServerError } from "../lock/errors.ts";
import { connectionError, faultOfAnswer, shownText } from "./fault.ts";
import { flagIn, idIn, type JsonObject, numberIn, objectIn, parseObject, textIn } from "./json.ts";
import { LineSplitter } from "./line-splitter.ts";

/** What every answer of etcd begins with. */
interface AnswerHeader {
  readonly clusterId: string;
  readonly memberId: string;
  /** The revision of the key space when the request was handled. */
  readonly revision: number;
  readonly raftTerm: number;
}

export interface Answer {
  readonly header: AnswerHeader;
  readonly message: JsonObject;
  /** The member that gave it. */
  readonly endpoint: string;
  /** What its clock showed, in whole seconds: the Date of HTTP. */
  readonly date: string | null;
}

export interface RequestOptions {
  readonly tls: TlsSettings;
  readonly token: string | undefined;
  /** Ends the request; {@link timeoutMilliseconds} does so too. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMilliseconds: number;
}

/** More than 10,000 participants in one lock's queue. */
const maxAnswerBytes = 4 * 2 ** 20;

/** Sends a request and reads its answer. @throws {LockServerError}, or the reason of `signal` */
export async function request(
  endpoint: string,
  path: string,
  body: JsonObject,
  options: RequestOptions,
): Promise<Answer> {
  const limit = AbortSignal.timeout(Math.max(1, Math.ceil(options.timeoutMilliseconds)));
  const signal = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
  try {
    const response = await post(endpoint, path, body, { ...options, signal });
    const text = await boundedText(endpoint, response);
    return answerOf(endpoint, response, text);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw connectionError(endpoint, error);
  }
}

/** Sends a request whose answer is a stream, and gives its messages until it ends. */
export async function* stream(
  endpoint: string,
  path: string,
  body: JsonObject,
  options: Omit<RequestOptions, "timeoutMilliseconds"> & { readonly signal: AbortSignal },
): AsyncGenerator<Answer> {
  try {
    const response = await post(endpoint, path, body, options);
    if (!response.ok || response.body === null) {
      answerOf(endpoint, response, await boundedText(endpoint, response));
      throw notGateway(endpoint, "it does not stream");
    }
    const splitter = new LineSplitter();
    for await (const chunk of response.body) {
      for (const line of splitter.push(chunk)) yield answerOf(endpoint, response, line);
    }
    for (const line of splitter.end()) yield answerOf(endpoint, response, line);
  } catch (error) {
    options.signal.throwIfAborted();
    throw connectionError(endpoint, error);
  }
}

function post(
  endpoint: string,
  path: string,
  body: JsonObject,
  { tls, token, signal }: Pick<RequestOptions, "tls" | "token"> & { signal: AbortSignal },
): Promise<Response> {
  const init = {
    method: "POST",
    body: JSON.stringify(body),
    headers: {
      "content-type": "application/json",
      // A member that has lost its leader then says so within a second, instead of never.
      "grpc-metadata-hasleader": "true",
      ...(token === undefined ? {} : { authorization: token }),
    },
    redirect: "error",
    // undefined, null and "" would still obey HTTP_PROXY.
    proxy: false,
    // Bun's own timeout is coarse, and does not cover the connect; `signal` has both.
    timeout: false,
    decompress: false,
    signal,
    ...(endpoint.startsWith("https:") ? { tls } : {}),
  } as const;
  // Bun's types do not know `proxy: false`.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return fetch(`${endpoint}/v3/${path}`, init as unknown as RequestInit);
}

/** The text of an answer. @throws {LockServerError} if it is longer than any answer of etcd to us */
async function boundedText(endpoint: string, response: Response): Promise<string> {
  const declared = Number(response.headers.get("content-length") ?? "NaN");
  if (declared <= maxAnswerBytes) return await response.text();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxAnswerBytes) {
      throw new LockServerError(
        "tooLong",
        `Cannot understand lock server ${endpoint}: its answer is longer than ${maxAnswerBytes / 2 ** 20} MiB`,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Takes an answer apart: `{header, ...}`, or in a stream `{result: {header, ...}}`; or an error of either form. */
function answerOf(endpoint: string, response: Response, text: string): Answer {
  const message = parseObject(text);
  if (message === undefined) throw notJson(endpoint, response, text);
  const failure = failureIn(message);
  if (failure !== undefined) {
    // The answer names neither the user nor the key.
    const advice = failure.text.includes("permission denied")
      ? "; give the user a role that may read and write the lock's keys"
      : "";
    throw new LockServerError(
      faultOfAnswer(failure.code, failure.text),
      `Lock server ${endpoint} says: ${shownText(failure.text)}${advice}`,
    );
  }
  const content = "result" in message ? objectIn(message, "result") : message;
  const header = objectIn(content, "header");
  const clusterId = idIn(header, "cluster_id");
  if (!response.ok || clusterId === "0") throw notGateway(endpoint, "it is not etcd");
  return {
    header: {
      clusterId,
      memberId: idIn(header, "member_id"),
      revision: numberIn(header, "revision"),
      raftTerm: numberIn(header, "raft_term"),
    },
    message: content,
    endpoint,
    date: response.headers.get("date"),
  };
}

/**
 * etcd 3.4 and 3.5 send `{error, message, code}`, and in a stream `{error: {grpc_code, http_code, message}}`; from
 * 3.6 on it is `{code, message}` and `{error: {code, message}}`.
 */
function failureIn(message: JsonObject): { code: number; text: string } | undefined {
  const { error } = message;
  if (typeof error === "object" && error !== null) {
    const nested = objectIn(message, "error");
    const code = "grpc_code" in nested ? "grpc_code" : "code";
    return { code: numberIn(nested, code), text: textIn(nested, "message") };
  }
  const isFailure = typeof error === "string" || ("code" in message && "message" in message);
  if (!isFailure) return undefined;
  const text = textIn(message, "message");
  return {
    code: numberIn(message, "code"),
    text: text === "" && typeof error === "string" ? error : text,
  };
}

function notJson(endpoint: string, response: Response, text: string): LockServerError {
  if (text.includes("CommonName of client")) {
    return new LockServerError(
      "denied",
      `Cannot use lock server ${endpoint}: it does not accept client certificates with a CN; use one without, and RESOURCELOCK_SERVER_USER`,
    );
  }
  if (response.status === 404 || response.status === 405) {
    return notGateway(endpoint, `it says ${statusText(response.status, text)}`);
  }
  if (response.status >= 500) {
    return new LockServerError(
      "unavailable",
      `Lock server ${endpoint} says: ${statusText(response.status, text)}`,
    );
  }
  return new LockServerError(
    "corrupt",
    `Cannot understand lock server ${endpoint}: it says ${response.status} ${JSON.stringify(shownText(text))}`,
  );
}

/** A status and what was said with it, which may begin with the status. */
function statusText(status: number, text: string): string {
  const shown = shownText(text);
  return shown.startsWith(`${status} `) ? shown : `${status} ${shown}`;
}

function notGateway(endpoint: string, cause: string): LockServerError {
  return new LockServerError(
    "notGateway",
    `Cannot use lock server ${endpoint}: ${cause}; is this the client port of an etcd with its gRPC gateway on?`,
  );
}

/** Whether a message of a watch ends it, and why. */
export function cancelReason(message: JsonObject): string | undefined {
  if (!flagIn(message, "canceled")) return undefined;
  return textIn(message, "cancel_reason");
}
