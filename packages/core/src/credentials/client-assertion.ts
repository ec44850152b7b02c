import { CLIENT_ASSERTION_TYPE_JWT_BEARER } from '@credence/protocol';
import { nonEmpty } from './checks.ts';
import type { ClientCredential } from './credential.ts';
import { fingerprintOf } from './fingerprint.ts';
import { readSecret } from './rotating.ts';

const OPTION = 'clientAssertion({ assertion })';

/** Options of `clientAssertion`. */
export interface ClientAssertionOptions {
  /** The client id at the issuer that this credential belongs to. */
  clientId: string;
  /**
   * A callback that returns the JWT, or a file that contains the JWT. The callback is called, or the file is read,
   * before each request.
   */
  assertion: ((request: { issuer: string; tokenEndpoint: string }) => string | Promise<string>) | { file: string };
}

/**
 * Client authentication by a JWT that the platform, a sidecar or a vault signs (RFC 7523 section 2.2). The callback is called, or
 * the file read, before each request, so a replaced file is used without a restart. The first access token needs two requests to
 * the IdP. If the IdP accepts each `jti` only once, use a callback that returns a new JWT each time, not a file.
 */
export function clientAssertion(options: ClientAssertionOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'clientAssertion({ clientId })');
  const { assertion } = options;
  if (typeof assertion !== 'function') nonEmpty(assertion?.file, OPTION);
  return {
    method: 'private_key_jwt',
    clientId,
    fingerprint: async () =>
      typeof assertion === 'function' ? undefined : fingerprintOf(await readSecret(assertion, OPTION)),
    async authenticate({ issuer, tokenEndpoint, body }) {
      const source = typeof assertion === 'function' ? () => assertion({ issuer, tokenEndpoint }) : assertion;
      const jwt = await readSecret(source, OPTION);
      body.set('client_id', clientId);
      body.set('client_assertion_type', CLIENT_ASSERTION_TYPE_JWT_BEARER);
      body.set('client_assertion', jwt);
    },
  };
}
