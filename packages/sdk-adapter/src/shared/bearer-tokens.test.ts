import { setImmediate as turn } from 'node:timers/promises';
import { clientSecret, ServicePrincipal } from '@credence/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Peer, type PeerAnswer, type PeerRequest, startPeer } from '../../../../test/support/peer.ts';
import { BearerTokens } from './bearer-tokens.ts';

const REFUSED: PeerAnswer = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };

function isWithoutToken({ headers }: PeerRequest): boolean {
  return headers.authorization === 'Bearer not-a-token';
}

describe('the refusals of an auth provider', () => {
  let as: Peer;
  let mcp: Peer;
  let bot: ServicePrincipal;
  let tokens: BearerTokens;
  const valid = new Set<string>();
  /** While it is set, the response to `initialize` with a value that is no token waits for it. */
  let held: Promise<void> | undefined;

  beforeEach(async () => {
    let issued = 0;
    held = undefined;
    valid.clear();
    as = await startPeer({
      'POST /token': () => {
        const token = `token-${(issued += 1)}`;
        valid.add(`Bearer ${token}`);
        return { body: { access_token: token, token_type: 'Bearer', expires_in: 300 } };
      },
    });
    mcp = await startPeer(async (request) => {
      if (isWithoutToken(request)) await held;
      if (!valid.has(request.headers.authorization ?? '')) return REFUSED;
      return { body: { jsonrpc: '2.0', id: 1, result: {} } };
    });
    const url = `${mcp.origin}/mcp`;
    bot = new ServicePrincipal({
      servers: {
        notes: {
          flow: 'client-credentials',
          url,
          resource: url,
          issuer: as.origin,
          tokenEndpoint: `${as.origin}/token`,
          credential: clientSecret({ clientId: 'bot', secret: 'at-the-as' }),
        },
      },
    });
    tokens = new BearerTokens(bot, 'notes');
  });

  afterEach(async () => {
    await bot.close();
    await Promise.all([as.close(), mcp.close()]);
  });

  /** A request that was refused with the token `token`. Resolves to the token of the retry. */
  async function refused(): Promise<string> {
    await tokens.present();
    await tokens.replaceRefused();
    return (await tokens.present()).value;
  }

  function checks(): number {
    return mcp.requests.filter((request) => !isWithoutToken(request)).length;
  }

  it('are checked again if the token was revoked while another refusal was checked', async () => {
    let release: () => void = () => undefined;
    held = new Promise((resolve) => (release = resolve));
    const stream = refused();
    while (!mcp.requests.some(isWithoutToken)) await turn();
    expect(checks()).toBe(1);
    // The server has said that it accepts the token. Now it is revoked, and calls with it are refused.
    valid.clear();
    const calls = Array.from({ length: 8 }, refused);
    await turn();
    release();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['token-2']));
    await stream;
    expect(as.received('POST /token')).toHaveLength(2);
    // one check for all of them: `initialize` with the revoked token, and with the new one
    expect(checks()).toBe(3);
  });

  it('are checked once for all that are refused together', async () => {
    await tokens.present();
    valid.clear();
    expect(new Set(await Promise.all(Array.from({ length: 8 }, refused)))).toEqual(new Set(['token-2']));
    expect(as.received('POST /token')).toHaveLength(2);
    expect(checks()).toBe(2);
  });

  it('of an accepted token cost at most two checks when they come together', async () => {
    expect(new Set(await Promise.all(Array.from({ length: 8 }, refused)))).toEqual(new Set(['token-1']));
    expect(as.received('POST /token')).toHaveLength(1);
    expect(checks()).toBeLessThanOrEqual(2);
  });
});
