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
    const challenge = 'Bearer error="insufficient_scope", scope="tools:write"';
    return { status: 403, headers: { 'www-authenticate': challenge } };
  });
  const url = `${mcp.origin}/mcp`;
  world.as.protect(url);
  const { idp, as, idpClient, asClient } = world;
  idp.trust({ issuer: as.issuer, clientIds: { [idpClient.clientId]: asClient.clientId } });
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

const write = { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"tools/call"}' };

describe('a step-up with approveStepUp', () => {
  it('adds the scope after the approval, and calls approveStepUp once', async () => {
    const approvals: unknown[] = [];
    const fetch = bot.fetchFor('notes', { approveStepUp: (request) => approvals.push(request) > 0 });
    expect((await fetch(`${mcp.origin}/mcp`, write)).status).toBe(200);
    expect((await fetch(`${mcp.origin}/mcp`, write)).status).toBe(200);
    expect(approvals).toEqual([{ server: 'notes', scopes: ['tools:write'] }]);
  });

  it('is refused if approveStepUp returns false, and no token is requested', async () => {
    const fetch = bot.fetchFor('notes', { approveStepUp: async () => Promise.resolve(false) });
    await expect(fetch(`${mcp.origin}/mcp`, write)).rejects.toMatchObject({
      code: 'insufficient_scope',
      leg: 'call',
      contact: 'you',
      missingScopes: ['tools:write'],
    });
    expect(world.as.issued).toHaveLength(1);
  });

  it('requests no token if the caller aborts while approveStepUp runs', async () => {
    const caller = new AbortController();
    const fetch = bot.fetchFor('notes', {
      approveStepUp() {
        caller.abort(new Error('aborted by the caller'));
        return true;
      },
    });
    await expect(fetch(`${mcp.origin}/mcp`, { ...write, signal: caller.signal })).rejects.toThrow(
      'aborted by the caller',
    );
    expect(world.as.issued).toHaveLength(1);
    expect(mcp.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });
});
