import { isAddress } from './address.ts';
import { defaultFetch, type FetchLike, type FetchUrl } from './fetch-like.ts';
import { ForbiddenAddressError, type Resolve, systemResolve } from './resolved-address.ts';
import type { NetworkTrust } from './url-policy.ts';

/** The global property in which Node.js and undici store the dispatcher of the global fetch. */
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');
const nativeFetch = globalThis.fetch;

/**
 * Returns a fetch function for a URL that a peer named and {@link judgeNamedUrl} allowed. `anchor` is the configured URL
 * of that peer. With the default fetch, the addresses of a host name are checked when the connection is made. If the name
 * resolves to a loopback, private or reserved address, and the host of `anchor` does not resolve to an address of that
 * kind, the request fails with {@link ForbiddenAddressError} as the cause, and nothing is sent.
 *
 * Nothing is checked in these cases: the caller passes its own `fetch` function, the host is the host of `anchor`,
 * `allowPrivateAddresses` is set, the global fetch was replaced, or the global fetch uses a proxy (the proxy resolves the
 * names).
 */
export function fetchNamedBy(
  anchor: URL,
  fetch: FetchLike,
  trust: NetworkTrust = {},
  resolve: Resolve = systemResolve,
): FetchUrl {
  if (fetch !== defaultFetch || trust.allowPrivateAddresses === true) return fetch;
  return async (url, init = {}) => {
    const { hostname } = new URL(url);
    if (hostname === anchor.hostname || isAddress(hostname) || isFetchReplaced()) return fetch(url, init);
    const { guardedFetch } = await import('./guarded-fetch.ts');
    return guardedFetch(url, init, anchor, resolve);
  };
}

/** The {@link ForbiddenAddressError} among the causes of a failed request, if there is one. */
export function forbiddenAddressIn(error: unknown): ForbiddenAddressError | undefined {
  let cause: unknown = error;
  for (let depth = 0; depth < 4 && cause instanceof Error; depth += 1) {
    if (cause instanceof ForbiddenAddressError) return cause;
    ({ cause } = cause);
  }
  return undefined;
}

/** Whether the global fetch was replaced, or has a dispatcher other than an Agent, such as a proxy. */
function isFetchReplaced(): boolean {
  if (globalThis.fetch !== nativeFetch) return true;
  const dispatcher: unknown = Reflect.get(globalThis, GLOBAL_DISPATCHER);
  return typeof dispatcher === 'object' && dispatcher !== null && dispatcher.constructor.name !== 'Agent';
}
