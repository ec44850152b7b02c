import { None } from 'oauth4webapi';
import { nonEmpty } from './checks.ts';
import type { ClientCredential } from './credential.ts';

/** A public client: it sends its client id and no authentication (RFC 6749 section 2.1, method `none`). */
export function noClientAuth(options: { clientId: string }): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'noClientAuth({ clientId })');
  const none = None();
  return {
    method: 'none',
    clientId,
    fingerprint: async () => 'none',
    authenticate: ({ issuer, body, headers }) => none({ issuer }, { client_id: clientId }, body, headers),
  };
}
