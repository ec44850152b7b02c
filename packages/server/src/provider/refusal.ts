import { cleanText } from '@credence/core';
import type { errors } from 'oidc-provider';

/**
 * A token request is refused: `error` and `description` go to the client, `reason` to the audit record only, `cause` to the
 * provider's `server_error` event. Callbacks (`account`, `scopesFor`, `policy`) may throw it too.
 */
export class GrantRefusal extends Error {
  override readonly name = 'GrantRefusal';
  /** The OAuth error code (RFC 6749 section 5.2, RFC 8707 section 2, RFC 9470). */
  readonly error: string;
  readonly description: string;
  readonly reason: string;

  constructor(error: string, description: string, reason: string = description, options?: ErrorOptions) {
    super(description, options);
    this.error = error;
    this.description = description;
    this.reason = reason;
  }
}

/** A failure of the server's own. The client learns no more than that. */
export function serverFailure(reason: string, cause?: unknown): GrantRefusal {
  return new GrantRefusal('server_error', 'the request failed', reason, { cause });
}

const STATUS_OF_FAILURES = new Map([
  ['server_error', 500],
  ['temporarily_unavailable', 503],
]);

/** As the provider wants it thrown. A failure of the server is a 500, or a 503, which a client may retry; the rest are 400. */
export function toProviderError(refusal: GrantRefusal, classes: typeof errors): errors.OIDCProviderError {
  const detail = cleanText(refusal.reason);
  const description = cleanText(refusal.description);
  const { cause } = refusal;
  const status = STATUS_OF_FAILURES.get(refusal.error);
  if (status === undefined) return new classes.CustomOIDCProviderError(refusal.error, description, { detail, cause });
  const error = new classes.OIDCProviderError(status, refusal.error, { detail, cause });
  error.error_description = description;
  error.expose = true;
  return error;
}
