import type { Principal } from '../sandbox.ts';
import { variablePart } from '../world/names.ts';

/**
 * The environment variables that `ServicePrincipal.fromEnv` reads, for one principal. The variables contain its private key
 * and secrets.
 */
export function principalEnvironment(
  issuer: string,
  credential: 'private-key' | 'secret',
  principal: Omit<Principal<string, string>, 'env'>,
): Record<string, string> {
  const { clientId, privateKey, secretClient } = principal;
  const env: Record<string, string> = {
    CREDENCE_IDP_ISSUER: issuer,
    ...(credential === 'secret'
      ? {
          CREDENCE_IDP_CLIENT_ID: secretClient.clientId,
          CREDENCE_IDP_CLIENT_SECRET: secretClient.clientSecret,
          CREDENCE_IDP_AUTH_METHOD: 'client_secret_post',
        }
      : { CREDENCE_IDP_CLIENT_ID: clientId, CREDENCE_IDP_PRIVATE_KEY: privateKey }),
    CREDENCE_SERVERS: Object.keys(principal.servers).join(','),
  };
  for (const [name, server] of Object.entries(principal.servers)) {
    const prefix = `CREDENCE_SERVER_${variablePart(name)}`;
    env[`${prefix}_URL`] = server.url;
    env[`${prefix}_ISSUER`] = server.issuer;
    env[`${prefix}_CLIENT_ID`] = server.clientId;
    env[`${prefix}_CLIENT_SECRET`] = server.clientSecret;
    if (server.scopes !== undefined) env[`${prefix}_SCOPES`] = server.scopes.join(' ');
    if (server.stepUp !== undefined) env[`${prefix}_STEP_UP`] = server.stepUp.join(' ');
  }
  return env;
}
