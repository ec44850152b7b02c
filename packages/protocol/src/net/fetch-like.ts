/** A function with the signature of the global `fetch`. The function should stop when `init.signal` is aborted. */
export type FetchLike = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A function that fetches a URL given as a string. Every {@link FetchLike} is a FetchUrl. */
export type FetchUrl = (url: string, init?: RequestInit) => Promise<Response>;

/** The global fetch, looked up at each call so that instrumentation installed later is used. */
export const defaultFetch: FetchLike = (input, init) => fetch(input, init);

/** The global fetch at the time when this module is loaded. */
export const nativeFetch: FetchLike = globalThis.fetch;

/**
 * A fetch that sends requests through the proxy that the variables HTTPS_PROXY and HTTP_PROXY (or the same in lower case) name,
 * except to the hosts in NO_PROXY. The global fetch of Node.js 20 does not read them. undici is loaded with the first request.
 */
export const environmentProxyFetch: FetchLike = async (input, init) => {
  loadBundledUndici();
  const { proxiedFetch } = await import('./guarded-fetch.ts');
  return proxiedFetch(input, init);
};

/** Whether requests go through a fetch that is part of Node.js or of this package, and not through a function of the caller's own. */
export function isDefaultFetch(fetch: FetchLike): boolean {
  return fetch === defaultFetch || fetch === nativeFetch || fetch === environmentProxyFetch;
}

/**
 * Makes Node.js load the undici that is part of it, before the undici package is loaded. The first of the two that is
 * loaded sets the dispatcher of the global fetch, and an agent of another version does not fit the global fetch.
 */
export function loadBundledUndici(): void {
  new Response(null).headers.has('date');
}
