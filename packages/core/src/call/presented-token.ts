/** The member of a RequestInit with the listener. A wrapper that copies the members of an init copies it too. */
const LISTENER = Symbol('credence: called with the access token of the request');

type Listener = (token: string) => void;

/**
 * A copy of `init` for a fetch of `fetchFor`, which calls `listener` with the access token before it sends a request with it. For a
 * client that must keep the token out of the texts that a server writes, such as error messages.
 */
export function onTokenPresented(init: RequestInit | undefined, listener: (token: string) => void): RequestInit {
  const outer = listenerOf(init);
  const both: Listener = outer
    ? (token) => {
        outer(token);
        listener(token);
      }
    : listener;
  return Object.assign({ ...init }, { [LISTENER]: both });
}

export function tokenPresented(init: RequestInit, token: string): void {
  listenerOf(init)?.(token);
}

function listenerOf(init: (RequestInit & { [LISTENER]?: Listener }) | undefined): Listener | undefined {
  return init?.[LISTENER];
}
