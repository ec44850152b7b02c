import { GRANT_CLIENT_CREDENTIALS, GRANT_JWT_BEARER } from '@credence/protocol';
import type { Directory } from '../discovery/directory.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import type { SubjectTokens } from './subject-tokens.ts';
import type { Flow, Grant, GrantRequest } from './flow.ts';
import { redeem } from './redeem.ts';
import type { ServerSettings } from '../settings/settings.ts';

/** `flow: 'client-credentials'`: straight to the server's authorization server (RFC 6749 section 4.4), only where written. */
export function clientCredentialsFlow(runtime: Runtime, server: ServerSettings, directory: Directory): Flow {
  return {
    acquire: (request) =>
      requestDirectly(runtime, server, directory, request, {
        grantType: GRANT_CLIENT_CREDENTIALS,
        grant: 'client_credentials',
      }),
  };
}

/**
 * `flow: 'workload-identity'` (SEP-1933): the platform's own JWT is the assertion at the server's authorization server. A
 * refusal is final: it is neither retried nor answered with another grant.
 */
export function workloadIdentityFlow(
  runtime: Runtime,
  server: ServerSettings,
  directory: Directory,
  workload: { assertion: SubjectTokenSource; tokens: Pick<SubjectTokens, 'get'> },
): Flow {
  return {
    async acquire(request) {
      const { value: assertion } = await workload.tokens.get(workload.assertion, request.signal);
      return requestDirectly(runtime, server, directory, request, {
        grantType: GRANT_JWT_BEARER,
        grant: 'jwt-bearer',
        assertion,
        retry: false,
      });
    },
  };
}

async function requestDirectly(
  runtime: Runtime,
  server: ServerSettings,
  directory: Directory,
  { scopes, signal }: GrantRequest,
  how: {
    grantType: string;
    grant: 'client_credentials' | 'jwt-bearer';
    assertion?: string;
    retry?: boolean;
  },
): Promise<Grant> {
  const { resource, issuer } = await directory.target(server, signal);
  const endpoint = await directory.authorizationServer(server, issuer, signal);
  return redeem(runtime, { server, endpoint, resource, scopes, impliedScopes: scopes, signal, ...how });
}
