/** The return type of a callback that may be asynchronous. */
export type Awaitable<T> = T | Promise<T>;
