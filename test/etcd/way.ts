/** A way to a server on which a test holds up, loses or repeats single requests, as a network or a hung member does. */
import { FakeGateway, type SeenRequest } from "./fake-gateway.ts";

/**
 * @param server the real one
 * @param intervene answers a request; by `pass` the server does
 */
export function wayTo(
  server: string,
  intervene: (
    request: SeenRequest & { text: string },
    pass: () => Promise<Response>,
  ) => Promise<Response>,
): FakeGateway {
  return new FakeGateway(async (request) => {
    const text = JSON.stringify(request.body);
    const init = { method: "POST", body: text, proxy: false, headers: request.headers };
    return await intervene(
      { ...request, text },
      async () => await fetch(`${server}${request.path}`, init as RequestInit),
    );
  });
}

/** For an answer that never comes. */
export const silence = (): Promise<Response> => new Promise(() => {});
