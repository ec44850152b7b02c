import { clientSecret } from '../src/credentials/client-secret.ts';
import { DEFAULT_CALL_LIMITS, type IdpSettings, type ServerSettings } from '../src/settings/settings.ts';
import { ownToken } from '../src/subjects/own-token.ts';

export function serverSettings(over: Partial<ServerSettings> = {}): ServerSettings {
  return {
    name: 'linear',
    url: new URL('https://mcp.linear.app/mcp'),
    flow: 'enterprise-managed',
    issuer: 'https://linear.app',
    credential: clientSecret({ clientId: 'bot-at-as', secret: 'as-secret' }),
    stepUp: [],
    missingResource: 'warn',
    excessScopes: 'refuse',
    redeemScope: 'send',
    resourceParameter: 'send',
    limits: DEFAULT_CALL_LIMITS,
    ...over,
  };
}

export function idpSettings(over: Partial<IdpSettings> = {}): IdpSettings {
  const issuer = over.issuer ?? 'https://acme.okta.com';
  return {
    issuer,
    url: new URL(issuer),
    credential: clientSecret({ clientId: 'bot-at-idp', secret: 'idp-secret' }),
    subject: ownToken(),
    ...over,
  };
}
