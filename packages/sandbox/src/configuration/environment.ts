import type { Principal } from '../sandbox.ts';

/**
 * The environment variables that `ServicePrincipal.fromEnv` reads, for one principal. The variables contain its private key
 * and secrets.
 */
export function principalEnvironment(issuer: string, principal: Omit<Principal, 'env'>): Record<string, string> {
  const env: Record<string, string> = {
    CREDENCE_IDP_ISSUER: issuer,
    CREDENCE_IDP_CLIENT_ID: principal.clientId,
    CREDENCE_IDP_PRIVATE_KEY: principal.privateKey,
    CREDENCE_SERVERS: Object.keys(principal.servers).join(','),
  };
  for (const [name, server] of Object.entries(principal.servers)) {
    const prefix = `CREDENCE_SERVER_${name.toUpperCase().replaceAll('-', '_')}`;
    env[`${prefix}_URL`] = server.url;
    env[`${prefix}_ISSUER`] = server.issuer;
    env[`${prefix}_CLIENT_ID`] = server.clientId;
    env[`${prefix}_CLIENT_SECRET`] = server.clientSecret;
    if (server.scopes !== undefined) env[`${prefix}_SCOPES`] = server.scopes.join(' ');
    if (server.stepUp !== undefined) env[`${prefix}_STEP_UP`] = server.stepUp.join(' ');
  }
  return env;
}
