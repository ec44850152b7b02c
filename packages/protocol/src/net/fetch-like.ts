/** The part of the global `fetch` that is used here. It should honour `init.signal`. */
export type FetchLike = (input: string | URL, init?: RequestInit) => Promise<Response>;

/** The global fetch, looked up at each call so that instrumentation installed later is used. */
export const defaultFetch: FetchLike = (input, init) => fetch(input, init);
