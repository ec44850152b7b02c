/** Calls `end` when the principal is closed. Returns a function that ends the wait. */
export type WhenClosed = (end: (reason: Error) => void) => () => void;
