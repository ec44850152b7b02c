import { type Awaitable, cleanText, within } from '@credence/protocol';
import { GrantRefusal, serverFailure } from './refusal.ts';

/**
 * Calls a callback of the options. Throws its GrantRefusal as it is, and for any other error a `server_error` refusal whose
 * reason names the callback.
 */
export async function callCallback<T>(name: string, callback: () => Awaitable<T>): Promise<T> {
  try {
    return await callback();
  } catch (error) {
    if (error instanceof GrantRefusal) throw error;
    // The message of the error can contain secrets, so only its name is recorded.
    const kind = error instanceof Error ? cleanText(error.name) : 'not an Error';
    throw serverFailure(`${name} failed: ${kind}`, error);
  }
}

/** How long the `audit` callback may take. */
export const AUDIT_TIMEOUT_MS = 10_000;

/** Calls `audit` and waits for it, at most {@link AUDIT_TIMEOUT_MS}. Throws the same errors as {@link callCallback}. */
export async function callAudit(audit: () => void | Promise<void>): Promise<void> {
  await callCallback('audit', () => within(AUDIT_TIMEOUT_MS, Promise.resolve(audit())));
}
