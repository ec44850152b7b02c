/** A function with the signature of the global `fetch`. The function should stop when `init.signal` is aborted. */
export type FetchLike = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A function that fetches a URL given as a string. Every {@link FetchLike} is a FetchUrl. */
export type FetchUrl = (url: string, init?: RequestInit) => Promise<Response>;

/** The global fetch, looked up at each call so that instrumentation installed later is used. */
export const defaultFetch: FetchLike = (input, init) => fetch(input, init);

/** The global fetch at the time when this module is loaded. */
export const nativeFetch: FetchLike = globalThis.fetch;

/** Whether requests go through the global fetch, and not through a function of the caller's own. */
export function isDefaultFetch(fetch: FetchLike): boolean {
  return fetch === defaultFetch || fetch === nativeFetch;
}
