import { parseScopes } from '@credence/protocol';
import { processRevocationResponse, WWWAuthenticateChallengeError } from 'oauth4webapi';

/**
 * One challenge of a `WWW-Authenticate` header, with the parameters that a client uses (RFC 6750 section 3, RFC 9728
 * section 5.1).
 */
export interface Challenge {
  readonly scheme: string;
  readonly error?: string | undefined;
  readonly errorDescription?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly resourceMetadata?: string | undefined;
}

/**
 * The Bearer and DPoP challenges of a response. oauth4webapi does not export its parser of challenges. The library throws
 * an error that contains the parsed challenges for every response that has some, so a response with the header is passed to
 * it.
 */
export async function parseChallenges(headers: Headers): Promise<readonly Challenge[]> {
  const value = headers.get('www-authenticate');
  if (value === null || value.length > 8_192) return [];
  try {
    await processRevocationResponse(new Response(null, { status: 401, headers: { 'www-authenticate': value } }));
  } catch (error) {
    if (error instanceof WWWAuthenticateChallengeError) {
      return error.cause
        .filter(({ scheme }) => scheme === 'bearer' || scheme === 'dpop')
        .map(({ scheme, parameters }) => ({
          scheme,
          error: parameters.error,
          errorDescription: parameters.error_description,
          scopes: parameters.scope === undefined ? undefined : parseScopes(parameters.scope),
          resourceMetadata: parameters.resource_metadata,
        }));
    }
  }
  return [];
}
