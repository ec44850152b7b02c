import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Peer, type PeerRequest, startPeer } from '../../../../test/support/peer.ts';
import { refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { privateKeyJwt } from '../credentials/private-key-jwt.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemClock } from '../time/clock.ts';
import { PeerClocks } from '../time/peer-clocks.ts';
import { requestToken } from './token-endpoint.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const credential = privateKeyJwt({ clientId: 'bot', key: privateKey.export({ format: 'jwk' }) });

let peer: Peer;
/** How far the clock of the token endpoint is ahead of ours, in milliseconds. */
let aheadMs = 0;
beforeEach(async () => {
  aheadMs = 0;
  peer = await startPeer({ 'POST /token': (request) => tokenResponse(request) });
});
afterEach(async () => peer.close());

/** A token endpoint without any tolerance for clocks. */
function tokenResponse({ form }: PeerRequest) {
  const now = (Date.now() + aheadMs) / 1000;
  const headers = { date: new Date(Date.now() + aheadMs).toUTCString() };
  const { iat = 0, exp = 0 } = decodeJwt(form['client_assertion'] ?? '');
  if (iat > now || exp <= now) return { status: 401, headers, body: { error: 'invalid_client' } };
  return { headers, body: { access_token: 'at', token_type: 'Bearer' } };
}

/** A runtime that knows the clocks of peers. Each has its own pauses after refusals. */
function runtimeWithClocks(peerClocks = new PeerClocks(systemClock)): Runtime {
  return { ...testRuntime(), peerClocks };
}

async function sendRequest(runtime: Runtime) {
  return requestToken(runtime, {
    grantType: 'client_credentials',
    grant: 'client_credentials',
    leg: 'authenticate',
    operation: 'client-credentials',
    contact: 'idp-admin',
    option: 'idp.credential',
    endpoint: { issuer: 'https://idp.example', url: `${peer.origin}/token` },
    credential,
    parameters: {},
  });
}

describe('a client assertion', () => {
  it.each([0, -2_000, -4_000, 30_000])(
    'is accepted at once by a server whose clock is %p ms ahead of ours',
    async (ms) => {
      aheadMs = ms;
      expect((await sendRequest(runtimeWithClocks())).accessToken).toBe('at');
      expect(peer.requests).toHaveLength(1);
    },
  );

  it.each([-3_600_000, -20_000, -7_000, 90_000, 3_600_000])(
    'is signed by the clock of a server that is %p ms ahead of ours, after a response has shown the difference',
    async (ms) => {
      aheadMs = ms;
      const clocks = new PeerClocks(systemClock);
      const send = async () => sendRequest(runtimeWithClocks(clocks));
      expect(await refusalOf(send())).toMatchObject({ code: 'invalid_client', contact: 'you' });
      expect((await send()).accessToken).toBe('at');
      // The clock of the server is corrected. Its next response shows this, also if that response is a refusal.
      aheadMs = 0;
      await send().catch(() => undefined);
      expect((await send()).accessToken).toBe('at');
    },
  );

  it.each([-2_000, -3_000, 2_000, -60_000])(
    'that is refused by a server whose clock is %p ms ahead causes a remedy with the difference',
    async (ms) => {
      peer.route('POST /token', () => ({
        status: 401,
        headers: { date: new Date(Date.now() + ms).toUTCString() },
        body: { error: 'invalid_client' },
      }));
      const error = await refusalOf(sendRequest(runtimeWithClocks()));
      expect(error).toMatchObject({ code: 'invalid_client', contact: 'you' });
      const [, seconds, direction] =
        /^The clock of https:\/\/idp\.example is (\d+) s (ahead of|behind) ours/u.exec(error.remedy) ?? [];
      expect(direction).toBe(ms > 0 ? 'ahead of' : 'behind');
      expect(Math.abs(Number(seconds) - Math.abs(ms) / 1000)).toBeLessThanOrEqual(1);
    },
  );

  it('that is refused by a server with the same clock causes no remedy about clocks', async () => {
    peer.route('POST /token', { status: 401, body: { error: 'invalid_client' } });
    expect((await refusalOf(sendRequest(runtimeWithClocks()))).remedy).not.toContain('clock');
  });
});
