import { CLIENT_ASSERTION_TYPE_JWT_BEARER } from '@credence/protocol';
import { nonEmpty } from './checks.ts';
import type { ClientCredential } from './credential.ts';
import { current } from './rotating.ts';

/** Options of `clientAssertion`. */
export interface ClientAssertionOptions {
  /** The client id at the issuer that this credential belongs to. */
  clientId: string;
  /** A JWT someone else signed: a callback asked before every request, or a file that is read before every request. */
  assertion: ((request: { issuer: string; tokenEndpoint: string }) => string | Promise<string>) | { file: string };
}

/**
 * Client authentication by a JWT that is made elsewhere (RFC 7523 section 2.2): by the platform, a sidecar, a vault. It is
 * asked for anew each time, so a rotated file is picked up without a restart. A first token takes two requests at the IdP: one
 * that takes each assertion once (its `jti`) needs the callback, not a file.
 */
export function clientAssertion(options: ClientAssertionOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'clientAssertion({ clientId })');
  const { assertion } = options;
  if (typeof assertion !== 'function') nonEmpty(assertion?.file, 'clientAssertion({ assertion })');
  return {
    method: 'private_key_jwt',
    clientId,
    async authenticate({ issuer, tokenEndpoint, body }) {
      const source = typeof assertion === 'function' ? () => assertion({ issuer, tokenEndpoint }) : assertion;
      const jwt = await current(source, 'clientAssertion({ assertion })');
      body.set('client_id', clientId);
      body.set('client_assertion_type', CLIENT_ASSERTION_TYPE_JWT_BEARER);
      body.set('client_assertion', jwt);
    },
  };
}
