import { cleanText } from '@credence/protocol';
import type { errors } from 'oidc-provider';
import type { GrantRefusal } from '../grant/refusal.ts';

const STATUS_OF_FAILURES = new Map([
  ['server_error', 500],
  ['temporarily_unavailable', 503],
]);

/** Converts a refusal to an error class of oidc-provider: status 500 or 503 for a failure of the server, else 400. */
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
