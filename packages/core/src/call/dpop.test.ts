import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { type Peer, type PeerRoute, startPeer } from '../../../../test/support/peer.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { generateDpopKeyPair } from '../dpop/dpop-keys.ts';
import type { McpServerOptions } from '../principal/options.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});

async function start(tokenType: string, answers: PeerRoute, dpop?: McpServerOptions['dpop'], asNonce?: string) {
  let tokens = 0;
  const as: Peer = await startPeer({
    'POST /token': ({ headers }) => {
      if (asNonce !== undefined && decodeJwt(String(headers['dpop']))['nonce'] !== asNonce) {
        return { status: 400, headers: { 'dpop-nonce': asNonce }, body: { error: 'use_dpop_nonce' } };
      }
      tokens += 1;
      return { body: { access_token: `token-${tokens}`, token_type: tokenType, expires_in: 300 } };
    },
  });
  const mcp = await startPeer({ 'POST /mcp': answers });
  const url = `${mcp.origin}/mcp`;
  const bot = new ServicePrincipal({
    servers: {
      notes: {
        flow: 'client-credentials',
        url,
        resource: url,
        issuer: as.origin,
        tokenEndpoint: `${as.origin}/token`,
        credential: clientSecret({ clientId: 'bot', secret: 'at-the-as' }),
        dpop,
      },
    },
  });
  opened.push(as, mcp, bot);
  const post = () => bot.fetchFor('notes')(url, { method: 'POST', body: '{}' });
  return {
    url,
    tokenEndpoint: `${as.origin}/token`,
    post,
    proofsAtAs: () => as.received('POST /token').map(({ headers }) => decodeJwt(String(headers['dpop']))),
    tokenRequests: () => as.received('POST /token').length,
    received: () => mcp.received('POST /mcp'),
  };
}

const unauthorized = (challenge: string, nonce?: string) => ({
  status: 401,
  headers: { 'www-authenticate': challenge, ...(nonce !== undefined && { 'dpop-nonce': nonce }) },
});

describe('a call with a DPoP-bound token', () => {
  it('sends a new proof each time, for the method, the URL and the token', async () => {
    const { url, post, received } = await start('DPoP', { body: {} }, await generateDpopKeyPair());
    expect([(await post()).status, (await post()).status]).toEqual([200, 200]);
    const proofs = received().map(({ headers }) => String(headers['dpop']));
    for (const proof of proofs) {
      expect(decodeProtectedHeader(proof)).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC' } });
      expect(decodeProtectedHeader(proof).jwk).not.toHaveProperty('d');
      expect(decodeJwt(proof)).toMatchObject({
        htm: 'POST',
        htu: url,
        ath: createHash('sha256').update('token-1').digest('base64url'),
        iat: expect.any(Number),
      });
    }
    expect(new Set(proofs.map((proof) => decodeJwt(proof).jti)).size).toBe(2);
  });

  it('requests the token with a proof, and again with the nonce of the authorization server', async () => {
    const bound = await start('DPoP', { body: {} }, await generateDpopKeyPair(), 'as-nonce');
    expect((await bound.post()).status).toBe(200);
    const target = { htm: 'POST', htu: bound.tokenEndpoint };
    const [first, second] = bound.proofsAtAs();
    expect(first).toMatchObject(target);
    expect(first).not.toHaveProperty('nonce');
    expect(second).toMatchObject({ ...target, nonce: 'as-nonce' });
    expect(bound.tokenRequests()).toBe(2);
  });

  it('is sent again with a new nonce once for each token', async () => {
    const { post, tokenRequests, received } = await start(
      'DPoP',
      [
        unauthorized('DPoP error="use_dpop_nonce"', 'first'),
        unauthorized('DPoP error="invalid_token"'),
        unauthorized('DPoP error="use_dpop_nonce"', 'second'),
        { body: {} },
      ],
      await generateDpopKeyPair(),
    );
    expect((await post()).status).toBe(200);
    const sent = received().map(({ headers }) => [headers.authorization, decodeJwt(String(headers['dpop']))['nonce']]);
    expect(sent).toEqual([
      ['DPoP token-1', undefined],
      ['DPoP token-1', 'first'],
      ['DPoP token-2', 'first'],
      ['DPoP token-2', 'second'],
    ]);
    expect(tokenRequests()).toBe(2);
  });

  it('is refused with token_refused if the server requires another nonce each time', async () => {
    const { post, received } = await start(
      'DPoP',
      unauthorized('DPoP error="use_dpop_nonce"', 'again'),
      await generateDpopKeyPair(),
    );
    await expect(post()).rejects.toMatchObject({ code: 'token_refused' });
    expect(received()).toHaveLength(4);
  });
});

describe('a call with a bearer token to a server that accepts only DPoP-bound tokens', () => {
  it('is refused with the option dpop in the remedy, and no other bearer token is requested', async () => {
    const { post, tokenRequests, received } = await start('Bearer', unauthorized('DPoP algs="ES256"'));
    await expect(post()).rejects.toMatchObject({
      code: 'token_refused',
      contact: 'you',
      remedy: expect.stringContaining('servers.notes.dpop'),
    });
    expect({ tokenRequests: tokenRequests(), calls: received().length }).toEqual({
      tokenRequests: 1,
      calls: 1,
    });
  });
});

describe('the proof of a call to a server with another clock', () => {
  /** A server that accepts no proof from the future, and none that is older than a minute. */
  const strict =
    (aheadMs: number, error = 'invalid_dpop_proof'): PeerRoute =>
    ({ headers }) => {
      const now = (Date.now() + aheadMs) / 1000;
      const { iat = 0 } = decodeJwt(String(headers['dpop']));
      const date = new Date(Date.now() + aheadMs).toUTCString();
      if (iat <= now && iat >= now - 60) return { headers: { date }, body: {} };
      return { status: 401, headers: { date, 'www-authenticate': `DPoP error="${error}"` } };
    };

  it.each([-3_600_000, -30_000, -8_000, 600_000, 3_600_000])(
    'gets the time of that clock after one refusal, and the token is kept (%p ms)',
    async (ms) => {
      for (const error of ['invalid_dpop_proof', 'invalid_token']) {
        const world = await start('DPoP', strict(ms, error), await generateDpopKeyPair());
        expect((await world.post()).status).toBe(200);
        expect((await world.post()).status).toBe(200);
        expect({ tokens: world.tokenRequests(), calls: world.received().length }).toEqual({ tokens: 1, calls: 3 });
      }
    },
  );

  it('is sent with a new token if the token is refused too, and the refusal names the seconds', async () => {
    const date = () => new Date(Date.now() - 3_600_000).toUTCString();
    const challenge = { 'www-authenticate': 'DPoP error="invalid_dpop_proof"' };
    const refuse: PeerRoute = () => ({ status: 401, headers: { ...challenge, date: date() } });
    const world = await start('DPoP', refuse, await generateDpopKeyPair());
    await expect(world.post()).rejects.toMatchObject({
      code: 'token_refused',
      remedy: expect.stringMatching(/^The clock of server "notes" is 36(?:00|01) s behind ours/u),
    });
    expect({ tokens: world.tokenRequests(), calls: world.received().length }).toEqual({ tokens: 2, calls: 3 });
  });
});

describe('a refusal by a server with another clock', () => {
  it.each<[number, RegExp]>([
    [-3_600, /^The clock of server "notes" is 36(?:00|01) s behind ours, so a new token can look not valid yet/u],
    [-30, /^The clock of server "notes" is 3[01] s behind ours/u],
    [30, /^The clock of server "notes" is (?:29|30) s ahead of ours, so a new token can look expired/u],
    [3_600, /^The clock of server "notes" is (?:3599|3600) s ahead of ours/u],
  ])('of a bearer token names the seconds (%p)', async (seconds, remedy) => {
    const world = await start('Bearer', () => ({
      status: 401,
      headers: {
        'www-authenticate': 'Bearer error="invalid_token"',
        date: new Date(Date.now() + seconds * 1000).toUTCString(),
      },
    }));
    await expect(world.post()).rejects.toMatchObject({ remedy: expect.stringMatching(remedy) });
  });

  it('with the same clock names no seconds', async () => {
    const world = await start('Bearer', unauthorized('Bearer error="invalid_token"'));
    await expect(world.post()).rejects.toMatchObject({
      remedy: expect.stringMatching(/^Ask the owner of server "notes"/u),
    });
  });
});
