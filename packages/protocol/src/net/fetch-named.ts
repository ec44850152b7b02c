import { isError } from '../text/is-error.ts';
import { isAddress } from './address.ts';
import { globalRouting } from './global-routing.ts';
import {
  environmentProxyFetch,
  type FetchLike,
  type FetchUrl,
  isDefaultFetch,
  loadBundledUndici,
  nativeFetch,
} from './fetch-like.ts';
import { ForbiddenAddressError, type Resolve, systemResolve } from './resolved-address.ts';
import type { NetworkTrust } from './url-policy.ts';

/**
 * Returns a fetch function for a URL in a peer's metadata that {@link judgeNamedUrl} allowed. `configuredUrl` is the
 * configured URL of that peer. With the default fetch, the addresses of a host name are checked when the connection is
 * made. If the name resolves to an address that {@link decideNamedUrl} would not allow in the URL, the request fails with
 * {@link ForbiddenAddressError} as the cause, and nothing is sent.
 *
 * Nothing is checked in these cases: the caller passes its own `fetch` function or has replaced the global one, the host
 * is the host of `configuredUrl`, `allowPrivateAddresses` is set, or a proxy resolves the name.
 */
export function fetchNamedBy(
  configuredUrl: URL,
  fetch: FetchLike,
  trust: NetworkTrust = {},
  resolve: Resolve = systemResolve,
): FetchUrl {
  if (!isDefaultFetch(fetch) || trust.allowPrivateAddresses === true) return fetch;
  return async (url, init = {}) => {
    const { hostname } = new URL(url);
    if (hostname === configuredUrl.hostname || isAddress(hostname)) return fetch(url, init);
    const isProxied = fetch === environmentProxyFetch;
    if (!isProxied && globalThis.fetch !== nativeFetch) return fetch(url, init);
    loadBundledUndici();
    const routing = isProxied ? 'environment-proxy' : globalRouting();
    if (routing === 'unresolved') return fetch(url, init);
    const { guardedFetch } = await import('./guarded-fetch.ts');
    return guardedFetch(url, init, { configuredUrl, resolve, usesEnvironmentProxy: routing === 'environment-proxy' });
  };
}

/** The {@link ForbiddenAddressError} among the causes of a failed request, if there is one. */
export function forbiddenAddressIn(error: unknown): ForbiddenAddressError | undefined {
  let cause: unknown = error;
  for (let depth = 0; depth < 4 && isError(cause); depth += 1) {
    if (cause instanceof ForbiddenAddressError) return cause;
    ({ cause } = cause);
  }
  return undefined;
}
