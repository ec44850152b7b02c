import { isAddress } from './address.ts';
import { defaultFetch, type FetchLike, type FetchUrl } from './fetch-like.ts';
import { ForbiddenAddressError, type Resolve, systemResolve } from './resolved-address.ts';
import type { NetworkTrust } from './url-policy.ts';

/** Where Node.js and undici keep the dispatcher of the global fetch. */
const GLOBAL_DISPATCHER = Symbol.for('undici.globalDispatcher.1');
const nativeFetch = globalThis.fetch;

/**
 * The fetch function for a URL that a peer named and {@link judgeNamedUrl} allowed. With the default fetch, a host name is
 * checked when the connection is made: where it resolves to a loopback, private or reserved address and `anchor`, the
 * configured URL whose owner named it, does not, the request fails with {@link ForbiddenAddressError} as the cause, and
 * nothing is sent.
 *
 * Nothing is checked for a `fetch` function of the caller's own, for a host that is the anchor's, with
 * `allowPrivateAddresses`, and where the global fetch was replaced or uses a proxy (which resolves names itself).
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
    if (hostname === anchor.hostname || isAddress(hostname) || isRoutedElsewhere()) return fetch(url, init);
    const { guardedFetch } = await import('./guarded-fetch.ts');
    return guardedFetch(url, init, anchor, resolve);
  };
}

/** The {@link ForbiddenAddressError} that a failed request ended in, if it did. */
export function forbiddenAddressIn(error: unknown): ForbiddenAddressError | undefined {
  let cause: unknown = error;
  for (let depth = 0; depth < 4 && cause instanceof Error; depth += 1) {
    if (cause instanceof ForbiddenAddressError) return cause;
    ({ cause } = cause);
  }
  return undefined;
}

function isRoutedElsewhere(): boolean {
  if (globalThis.fetch !== nativeFetch) return true;
  const dispatcher: unknown = Reflect.get(globalThis, GLOBAL_DISPATCHER);
  return typeof dispatcher === 'object' && dispatcher !== null && dispatcher.constructor.name !== 'Agent';
}
