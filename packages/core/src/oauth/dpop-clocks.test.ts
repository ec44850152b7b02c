import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Peer, type PeerRequest, startPeer } from '../../../../test/support/peer.ts';
import { refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { dpopKeys, generateDpopKeyPair } from '../dpop/dpop-keys.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemClock } from '../time/clock.ts';
import { PeerClocks } from '../time/peer-clocks.ts';
import { requestToken } from './token-endpoint.ts';

const ISSUER = 'https://as.example';
let peer: Peer;
/** How far the clock of the token endpoint is ahead of ours, in milliseconds. */
let aheadMs = 0;
/** Whether the responses have a Date header. */
let sendsDate = true;
beforeEach(async () => {
  aheadMs = 0;
  sendsDate = true;
  peer = await startPeer({ 'POST /token': (request) => tokenResponse(request) });
});
afterEach(async () => peer.close());

/** A token endpoint that accepts no proof from the future, and none that is older than a minute. */
function tokenResponse({ headers: { dpop } }: PeerRequest) {
  const now = (Date.now() + aheadMs) / 1000;
  const headers = { date: sendsDate ? new Date(Date.now() + aheadMs).toUTCString() : 'unknown' };
  const { iat = 0 } = decodeJwt(String(dpop));
  if (iat > now || iat < now - 60) return { status: 400, headers, body: { error: 'invalid_dpop_proof' } };
  return { headers, body: { access_token: 'at', token_type: 'DPoP' } };
}

async function sender(peerClocks = new PeerClocks(systemClock)) {
  const { redeem } = dpopKeys(await generateDpopKeyPair());
  const runtime: Runtime = { ...testRuntime(), peerClocks };
  return async () =>
    requestToken(runtime, {
      grantType: 'client_credentials',
      grant: 'client_credentials',
      leg: 'redeem',
      operation: 'client-credentials',
      contact: 'server-owner',
      option: 'servers.notes.credential',
      server: 'notes',
      endpoint: { issuer: ISSUER, url: `${peer.origin}/token` },
      credential: clientSecret({ clientId: 'bot', secret: 'secret-of-the-bot' }),
      dpop: redeem,
      parameters: {},
    });
}

describe('a DPoP proof at a token endpoint', () => {
  it.each([-3_600_000, -30_000, -8_000, 90_000, 600_000, 3_600_000])(
    'has the time of a peer that is %p ms ahead, after one refusal has shown the difference',
    async (ms) => {
      aheadMs = ms;
      const send = await sender();
      expect((await send()).accessToken).toBe('at');
      expect(peer.requests).toHaveLength(2);
      await send();
      expect(peer.requests).toHaveLength(3);
      // The clock of the peer is corrected.
      aheadMs = 0;
      expect((await send()).accessToken).toBe('at');
      expect(peer.requests.length).toBeLessThanOrEqual(5);
    },
  );

  it.each([-3_600_000, 600_000])(
    'has the time of a peer whose clock another response has shown (%p ms)',
    async (ms) => {
      aheadMs = ms;
      const clocks = new PeerClocks(systemClock);
      clocks.note(ISSUER, Date.now() + ms, { mayBeStored: true });
      const send = await sender(clocks);
      await send();
      expect(peer.requests).toHaveLength(1);
    },
  );

  it.each([0, -2_000, 30_000])('is accepted at once by a peer that is %p ms ahead', async (ms) => {
    aheadMs = ms;
    await (
      await sender()
    )();
    expect(peer.requests).toHaveLength(1);
  });

  it.each<[number, RegExp]>([
    [-3_600_000, / 360[01] s behind ours, so the DPoP proof can look not valid yet/u],
    [600_000, / (?:599|60[01]) s ahead of ours, so the DPoP proof can look too old/u],
  ])('that is refused in spite of the correction (%p ms) causes a remedy with the seconds', async (ms, words) => {
    aheadMs = ms;
    peer.route('POST /token', () => ({
      status: 400,
      headers: { date: new Date(Date.now() + ms).toUTCString() },
      body: { error: 'invalid_dpop_proof' },
    }));
    const error = await refusalOf((await sender())());
    expect(error).toMatchObject({ code: 'oauth_error', error: 'invalid_dpop_proof', contact: 'you', status: 400 });
    expect(error.remedy).toMatch(words);
    expect(peer.requests).toHaveLength(2);
  });

  it('that is refused by a peer without a Date header is sent once, and the remedy names no difference', async () => {
    aheadMs = -3_600_000;
    sendsDate = false;
    const error = await refusalOf((await sender())());
    expect(error).toMatchObject({ error: 'invalid_dpop_proof', contact: 'server-owner' });
    expect(error.remedy).not.toContain('clock');
    expect(peer.requests).toHaveLength(1);
  });
});
