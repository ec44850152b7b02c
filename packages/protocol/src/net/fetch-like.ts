/** A function that can be called as the global `fetch` is. It should honour `init.signal`. */
export type FetchLike = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A function that fetches a URL; every {@link FetchLike} is one. */
export type FetchUrl = (url: string, init?: RequestInit) => Promise<Response>;

/** The global fetch, looked up at each call so that instrumentation installed later is used. */
export const defaultFetch: FetchLike = (input, init) => fetch(input, init);
