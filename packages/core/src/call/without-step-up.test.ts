import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type OAuthWorld, startOAuthWorld } from '../../../../test/support/oauth-world.ts';
import { type Peer, startPeer } from '../../../../test/support/peer.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';

let world: OAuthWorld;
let mcp: Peer;
let bot: ServicePrincipal;
let url: string;

beforeEach(async () => {
  world = await startOAuthWorld();
  mcp = await startPeer(({ headers, body }) => {
    const token = world.as.verify(headers.authorization?.slice('Bearer '.length) ?? '');
    if (!token) return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
    if (!body.includes('write') || token.scopes.includes('tools:write')) return { body: { scopes: token.scopes } };
    return {
      status: 403,
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="tools:write"' },
    };
  });
  url = `${mcp.origin}/mcp`;
  world.as.protect(url);
  bot = new ServicePrincipal({
    idp: {
      issuer: world.idp.issuer,
      credential: clientSecret({ clientId: world.idpClient.clientId, secret: world.idpClient.secret ?? '' }),
    },
    servers: {
      notes: {
        url,
        issuer: world.as.issuer,
        credential: clientSecret({ clientId: world.asClient.clientId, secret: world.asClient.secret ?? '' }),
        resource: url,
        scopes: ['tools:read'],
        stepUp: ['tools:write'],
      },
    },
  });
});

afterEach(async () => {
  await bot.close();
  await Promise.all([mcp.close(), world.close()]);
});

const read = { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"read"}' };
const write = { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"write"}' };

describe('a fetch with stepUp: false', () => {
  it('sends the token with the configured scopes after another call has stepped up', async () => {
    expect((await bot.fetchFor('notes')(url, write)).status).toBe(200);
    const response = await bot.fetchFor('notes', { stepUp: false })(url, read);
    expect(await response.json()).toEqual({ scopes: ['tools:read'] });
    expect(mcp.requests.at(-1)?.headers.authorization).toBe(`Bearer ${(await bot.token('notes')).value}`);
  });

  it('throws insufficient_scope for a 403 challenge with a scope that stepUp of the server allows', async () => {
    await expect(bot.fetchFor('notes', { stepUp: false })(url, write)).rejects.toMatchObject({
      code: 'insufficient_scope',
      leg: 'call',
      status: 403,
    });
    expect(world.as.issued).toHaveLength(1);
  });

  it('also replaces a refused token for token()', async () => {
    const before = await bot.token('notes');
    world.as.revoke(before.value);
    expect((await bot.fetchFor('notes', { stepUp: false })(url, read)).status).toBe(200);
    const after = await bot.token('notes');
    expect(after.value).not.toBe(before.value);
    expect(world.as.issued).toEqual([before.value, after.value]);
  });
});

describe('a token that is sent with a call', () => {
  it('counts as accepted after a 404 for a lost session, so that a later 401 is not counted as a refusal of a new token', async () => {
    const refused: string[] = [];
    mcp.route('*', ({ headers }) => {
      const value = headers.authorization?.slice('Bearer '.length) ?? '';
      return { status: world.as.verify(value) ? 404 : (refused.push(value), 401) };
    });
    const fetch = bot.fetchFor('notes');
    for (let round = 1; round <= 4; round += 1) {
      expect((await fetch(url, read)).status).toBe(404);
      world.as.revokeAll();
    }
    expect(refused).toHaveLength(3);
  });
});
