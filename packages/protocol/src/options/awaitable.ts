/** What a callback returns that may take its time. */
export type Awaitable<T> = T | Promise<T>;
