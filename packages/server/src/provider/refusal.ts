import { cleanText } from '@credence/core';
import type { errors } from 'oidc-provider';

/**
 * A token request is refused: `error` and `description` go to the client, `reason` to the audit record only.
 * Callbacks (`account`, `scopesFor`, `policy`) may throw it too.
 */
export class GrantRefusal extends Error {
  override readonly name = 'GrantRefusal';
  /** The OAuth error code (RFC 6749 section 5.2, RFC 8707 section 2, RFC 9470). */
  readonly error: string;
  readonly description: string;
  readonly reason: string;

  constructor(error: string, description: string, reason: string = description) {
    super(description);
    this.error = error;
    this.description = description;
    this.reason = reason;
  }
}

/** As the provider wants it thrown. `temporarily_unavailable` is a 503, which a client may retry; the rest are 400. */
export function toProviderError(refusal: GrantRefusal, classes: typeof errors): errors.OIDCProviderError {
  const detail = cleanText(refusal.reason);
  const description = cleanText(refusal.description);
  if (refusal.error !== 'temporarily_unavailable') {
    return new classes.CustomOIDCProviderError(refusal.error, description, { detail });
  }
  const error = new classes.OIDCProviderError(503, refusal.error, { detail });
  error.error_description = description;
  error.expose = true;
  return error;
}
