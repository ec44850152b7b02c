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

/** The `audit` callback did not end in time. The response must not wait for another record. */
export class AuditTimeout extends GrantRefusal {
  constructor(cause: unknown) {
    const { error, description, reason } = serverFailure('audit failed: TimeoutError');
    super(error, description, reason, { cause });
  }
}

/**
 * Calls `audit` and waits for it, at most `AUDIT_TIMEOUT_MS`. Throws the same errors as {@link callCallback}, and AuditTimeout
 * if it takes longer.
 */
export async function callAudit(audit: () => void | Promise<void>): Promise<void> {
  try {
    await within(
      AUDIT_TIMEOUT_MS,
      callCallback('audit', () => audit()),
    );
  } catch (error) {
    // `callCallback` throws only a GrantRefusal.
    throw error instanceof GrantRefusal ? error : new AuditTimeout(error);
  }
}
