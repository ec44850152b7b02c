import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type OAuthWorld, startOAuthWorld } from '../../../../test/support/oauth-world.ts';
import { type Peer, startPeer } from '../../../../test/support/peer.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';

let world: OAuthWorld;
let mcp: Peer;
let bot: ServicePrincipal;

beforeEach(async () => {
  world = await startOAuthWorld();
  mcp = await startPeer(({ headers }) => {
    const token = world.as.verify(headers.authorization?.slice('Bearer '.length) ?? '');
    if (token?.scopes.includes('tools:write')) return { body: { written: true } };
    return {
      status: 403,
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="tools:write"' },
    };
  });
  const url = `${mcp.origin}/mcp`;
  world.as.protect(url);
  const { idp, as, idpClient, asClient } = world;
  bot = new ServicePrincipal({
    idp: {
      issuer: idp.issuer,
      credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? '' }),
    },
    servers: {
      notes: {
        url,
        issuer: as.issuer,
        credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
        resource: url,
        // The IdP grants tools:read and does not grant tools:admin.
        scopes: ['tools:admin', 'tools:read'],
        stepUp: ['tools:write'],
      },
    },
  });
});

afterEach(async () => {
  await bot.close();
  await Promise.all([mcp.close(), world.close()]);
});

describe('a bot that was not granted all of its configured scopes', () => {
  it('requests in a step-up the granted scopes and the new scope, without the scope that was not granted', async () => {
    expect((await bot.token('notes')).missingScopes).toEqual(['tools:admin']);
    expect((await bot.fetchFor('notes')(`${mcp.origin}/mcp`, { method: 'POST', body: '{}' })).status).toBe(200);
    expect(world.as.verify(world.as.issued.at(-1) ?? '')?.scopes).toEqual(['tools:read', 'tools:write']);
  });
});
