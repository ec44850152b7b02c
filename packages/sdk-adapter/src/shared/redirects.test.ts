import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Peer, startPeer } from '../../../../test/support/peer.ts';
import { type SdkFetch, withinOrigin } from './redirects.ts';

let peer: Peer;
let send: SdkFetch;

beforeEach(async () => {
  peer = await startPeer({});
  const manual: SdkFetch = async (input, init) => fetch(input, { ...init, redirect: 'manual' });
  send = withinOrigin(manual, { name: 'notes', url: new URL(`${peer.origin}/mcp`) });
});

afterEach(async () => peer.close());

const post = { method: 'POST', body: '{"id":1}', headers: { 'x-kept': 'yes' } };

describe('redirects within the origin', () => {
  it.each([307, 308])('are followed with the method, body and headers of a POST for %i', async (status) => {
    peer.route('/mcp', { status, headers: { location: 'deep/er?a=b' } });
    peer.route('/deep/er', { body: { arrived: true } });
    const response = await send(`${peer.origin}/mcp`, post);
    expect(await response.json()).toEqual({ arrived: true });
    const [redirected] = peer.received('POST /deep/er');
    expect(redirected).toMatchObject({ body: post.body, headers: { 'x-kept': 'yes' } });
    expect(redirected?.query.get('a')).toBe('b');
  });

  it.each([301, 302, 303])('are followed for %i after a GET, and refused after a POST', async (status) => {
    peer.route('/mcp', { status, headers: { location: '/other' } });
    peer.route('/other', { body: 'here' });
    expect(await (await send(`${peer.origin}/mcp`)).text()).toBe('here');
    await expect(send(`${peer.origin}/mcp`, post)).rejects.toMatchObject({
      code: 'redirect_refused',
      leg: 'call',
      status,
    });
    expect(peer.received('POST /other')).toEqual([]);
  });

  it('are refused after five in a row', async () => {
    peer.route('/mcp', { status: 307, headers: { location: '/mcp' } });
    await expect(send(`${peer.origin}/mcp`, post)).rejects.toMatchObject({ code: 'redirect_refused' });
    expect(peer.requests).toHaveLength(6);
  });

  it.each(['http://[', ''])('are refused if the location is %j', async (location) => {
    peer.route('/mcp', { status: 307, ...(location !== '' && { headers: { location } }) });
    await expect(send(`${peer.origin}/mcp`, post)).rejects.toMatchObject({ code: 'redirect_refused' });
  });
});

describe('redirects to another origin', () => {
  it.each([
    'https://evil.example/mcp',
    '//evil.example/mcp',
    'http://localhost:1/mcp',
    'javascript:alert(1)',
    'data:application/json,{}',
    'https://user:password@evil.example/?token=x',
  ])('are refused: %s', async (location) => {
    peer.route('/mcp', { status: 307, headers: { location } });
    const error: unknown = await send(`${peer.origin}/mcp`, post).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'cross_origin_refused',
      leg: 'call',
      server: 'notes',
      contact: 'server-owner',
    });
    expect(JSON.stringify(error)).not.toMatch(/password|token=/u);
    expect(peer.requests).toHaveLength(1);
  });

  it('are refused also after a redirect within the origin', async () => {
    peer.route('/mcp', { status: 307, headers: { location: '/next' } });
    peer.route('/next', { status: 308, headers: { location: 'https://evil.example/mcp' } });
    await expect(send(`${peer.origin}/mcp`, post)).rejects.toMatchObject({ code: 'cross_origin_refused', status: 308 });
  });
});

it('returns every other response unchanged', async () => {
  for (const status of [200, 202, 304, 400, 404, 500]) {
    peer.route('/mcp', { status, headers: { location: 'https://evil.example/' } });
    expect((await send(`${peer.origin}/mcp`)).status).toBe(status);
  }
});
