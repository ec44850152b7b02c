import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type OAuthWorld, startOAuthWorld } from '../../../../test/support/oauth-world.ts';
import { type Peer, startPeer } from '../../../../test/support/peer.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';
import type { TokenUse } from './fetch-for-options.ts';

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

describe('onToken', () => {
  it('gets scopes and age of the token of each request, in the context of the call, and never the token', async () => {
    const caller = new AsyncLocalStorage<string>();
    const uses: { caller: string | undefined; use: TokenUse }[] = [];
    const fetch = bot.fetchFor('notes', { onToken: (use) => uses.push({ caller: caller.getStore(), use }) });
    await Promise.all(
      ['one', 'two'].map(async (name) => caller.run(name, async () => fetch(`${mcp.origin}/mcp`, write))),
    );

    const of = (name: string) => uses.filter((each) => each.caller === name).map(({ use }) => use);
    for (const name of ['one', 'two']) {
      expect(of(name).at(0)).toEqual({ server: 'notes', scopes: ['tools:read'], ageMs: expect.any(Number) });
      expect(of(name).at(-1)?.scopes.toSorted()).toEqual(['tools:read', 'tools:write']);
    }
    expect(uses.every(({ use }) => use.ageMs >= 0 && use.ageMs < 60_000)).toBe(true);
    for (const token of world.as.issued) expect(JSON.stringify(uses)).not.toContain(token);
  });
});
