import { type Awaitable, cleanText, within } from '@credence/protocol';
import { GrantRefusal, serverFailure } from './refusal.ts';

/**
 * Calls a callback of the options. What it throws becomes a failure of the server that names the callback; a GrantRefusal
 * stays what it is.
 */
export async function calling<T>(name: string, callback: () => Awaitable<T>): Promise<T> {
  try {
    return await callback();
  } catch (error) {
    if (error instanceof GrantRefusal) throw error;
    // Its message may hold anything; its name cannot.
    const kind = error instanceof Error ? cleanText(error.name) : 'not an Error';
    throw serverFailure(`${name} failed: ${kind}`, error);
  }
}

/** How long a record may take to be written. */
export const AUDIT_TIMEOUT_MS = 10_000;

/** Calls `audit` and waits for it, but not for ever. Throws as {@link calling} does. */
export async function recording(audit: () => void | Promise<void>): Promise<void> {
  await calling('audit', () => within(AUDIT_TIMEOUT_MS, Promise.resolve(audit())));
}
