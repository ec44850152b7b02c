import { None } from 'oauth4webapi';
import { nonEmpty } from './checks.ts';
import type { ClientCredential } from './credential.ts';

/**
 * A public client: it sends its client id and no authentication (RFC 6749 section 2.1, method `none`). Without options no client id
 * is sent either, because no client is registered: only for the flow `workload-identity`, in which the JWT of the platform identifies
 * the workload.
 */
export function noClientAuth(options?: { clientId: string }): ClientCredential {
  if (options === undefined) return { method: 'none', clientId: '', authenticate: () => undefined };
  const clientId = nonEmpty(options.clientId, 'noClientAuth({ clientId })');
  const none = None();
  return {
    method: 'none',
    clientId,
    fingerprint: async () => 'none',
    authenticate: ({ issuer, body, headers }) => none({ issuer }, { client_id: clientId }, body, headers),
  };
}
