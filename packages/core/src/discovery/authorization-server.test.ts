import { describe, expect, it } from '@jest/globals';
import { endless, silence, startPeer } from '../../../../test/support/peer.ts';
import { type HostAnswer, hosts } from '../../test-support/hosts.ts';
import { never, refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { NetworkTrust } from '@credence/protocol';
import { discoverIssuer } from './authorization-server.ts';

const ISSUER = 'https://as.example/t';
const [OAUTH, OIDC_INSERTED, OIDC] = [
  'https://as.example/.well-known/oauth-authorization-server/t',
  'https://as.example/.well-known/openid-configuration/t',
  'https://as.example/t/.well-known/openid-configuration',
];
const GOOD = { issuer: ISSUER, token_endpoint: 'https://as.example/t/token' };

async function discovered(
  table: Readonly<Record<string, HostAnswer>>,
  { issuer = ISSUER, anchor = issuer, network = {} }: { issuer?: string; anchor?: string; network?: NetworkTrust } = {},
) {
  const world = hosts(table);
  const runtime = testRuntime({ fetch: world.fetch, network });
  const found = discoverIssuer(runtime, issuer, {
    role: 'authorization-server',
    server: 'linear',
    option: 'servers.linear.issuer',
    anchor: new URL(anchor),
    signal: never,
  });
  return { world, runtime, found };
}

describe('metadata of an issuer', () => {
  it.each([
    [OAUTH, [OAUTH]],
    [OIDC_INSERTED, [OAUTH, OIDC_INSERTED]],
    [OIDC, [OAUTH, OIDC_INSERTED, OIDC]],
  ])('is found at %s', async (url, asked) => {
    const { found, world } = await discovered({ [url]: GOOD });
    await expect(found).resolves.toMatchObject({ issuer: ISSUER, tokenEndpoint: 'https://as.example/t/token' });
    expect(world.asked).toEqual(asked.map((path) => `GET ${path}`));
  });

  it('tells what it supports, and leaves open what it does not say', async () => {
    const full = {
      ...GOOD,
      grant_types_supported: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      identity_chaining_requested_token_types_supported: ['urn:ietf:params:oauth:token-type:jwt'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
    };
    expect(await (await discovered({ [OAUTH]: full })).found).toMatchObject({
      redeemsIdJags: true,
      issuesIdJags: false,
      authMethods: ['private_key_jwt'],
    });
    expect(await (await discovered({ [OAUTH]: GOOD })).found).toMatchObject({
      redeemsIdJags: undefined,
      issuesIdJags: undefined,
      grantTypes: undefined,
    });
  });

  it.each<[string, HostAnswer]>([
    ['an HTML catch-all', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['JSON under text/html', () => new Response(JSON.stringify(GOOD), { headers: { 'content-type': 'text/html' } })],
    ['a redirect to a login page', () => new Response(null, { status: 302, headers: { location: '/login' } })],
    ['a JSON list', () => Response.json([GOOD])],
    ['a document of another issuer', { ...GOOD, issuer: 'https://as.example' }],
  ])('is taken from the next path when the first has %s', async (_what, first) => {
    const { found } = await discovered({ [OAUTH]: first, [OIDC]: GOOD });
    await expect(found).resolves.toMatchObject({ issuer: ISSUER });
  });

  it.each([
    ['https://as.example/t', 'https://as.example/t/'],
    ['https://as.example/t/', 'https://as.example/t'],
    ['https://as.example', 'https://as.example/'],
    ['https://as.example', 'HTTPS://AS.example:443'],
    ['https://as.example/t', 'https://as.example/x/../t'],
    ['https://as.example/t', 'https://evil.example/t'],
    ['https://as.example/t', undefined],
    ['https://as.example/t', ['https://as.example/t']],
    ['https://as.example/t', 'https://as.example/t\r\nINFO forged'],
  ])('of %s is refused when it says it is of %p: the strings must be the same', async (issuer, said) => {
    const { origin, pathname } = new URL(issuer);
    const at = `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/u, '')}`;
    const { found } = await discovered({ [at]: { ...GOOD, issuer: said } }, { issuer });
    const error = await refusalOf(found);
    expect(error).toMatchObject({ code: 'issuer_mismatch', leg: 'discover', contact: 'you', server: 'linear' });
    expect(error.remedy).toContain('servers.linear.issuer');
    expect(error.message).not.toMatch(/[\r\n]/u);
  });

  it('that is nowhere ends in one error that names the option and what was tried', async () => {
    const { found } = await discovered({});
    const error = await refusalOf(found);
    expect(error).toMatchObject({ code: 'metadata_not_found', leg: 'discover', contact: 'you', issuer: ISSUER });
    expect(error.message).toContain('3 well-known paths');
    expect(error.remedy).toContain('servers.linear.issuer');
  });

  it('that only redirects ends in an error that says so', async () => {
    const away = () => new Response(null, { status: 301, headers: { location: 'https://new.example/' } });
    const { found, world } = await discovered({ [OAUTH]: away, [OIDC_INSERTED]: away, [OIDC]: away });
    expect(await refusalOf(found)).toMatchObject({ code: 'redirect_refused', leg: 'discover', status: 301 });
    expect(world.asked.every((url) => url.includes('as.example'))).toBe(true);
  });

  it('without a token endpoint is no use', async () => {
    const { found } = await discovered({ [OAUTH]: { issuer: ISSUER } });
    expect(await refusalOf(found)).toMatchObject({ code: 'invalid_response', contact: 'server-owner' });
  });

  it.each([
    'http://as.example/token',
    'https://127.0.0.1/token',
    'https://localhost:8080/token',
    'https://10.0.0.8/token',
    'https://169.254.169.254/token',
    'https://vault.internal/token',
  ])('may not name the token endpoint %s', async (endpoint) => {
    const { found } = await discovered({ [OAUTH]: { ...GOOD, token_endpoint: endpoint } });
    expect(await refusalOf(found)).toMatchObject({ code: 'forbidden_url', leg: 'discover', contact: 'server-owner' });
  });

  it('may name a private endpoint where that was opted in', async () => {
    const document = { ...GOOD, token_endpoint: 'https://10.0.0.8/token' };
    const { found } = await discovered({ [OAUTH]: document }, { network: { allowPrivateAddresses: true } });
    await expect(found).resolves.toMatchObject({ tokenEndpoint: 'https://10.0.0.8/token' });
  });

  it.each(['http://as.example', 'https://127.0.0.1:1', 'https://10.0.0.8'])(
    'is not asked for where a server names the issuer %s',
    async (issuer) => {
      const { found, world } = await discovered({}, { issuer, anchor: 'https://mcp.example/mcp' });
      expect(await refusalOf(found)).toMatchObject({ code: 'forbidden_url', leg: 'discover' });
      expect(world.asked).toEqual([]);
    },
  );

  it('without an end is let go of', async () => {
    const peer = await startPeer({ '*': endless() });
    try {
      const found = discoverIssuer(testRuntime(), peer.origin, {
        role: 'idp',
        option: 'idp.issuer',
        anchor: new URL(peer.origin),
        signal: never,
      });
      expect(await refusalOf(found)).toMatchObject({ code: 'response_too_large', contact: 'idp-admin' });
      expect(peer.requests).toHaveLength(1);
    } finally {
      await peer.close();
    }
  });

  it('is asked for again after a 503, and no other path in its place', async () => {
    const peer = await startPeer({});
    const document = { issuer: peer.origin, token_endpoint: `${peer.origin}/token` };
    peer.route('/.well-known/oauth-authorization-server', [{ status: 503 }, { body: document }]);
    try {
      const found = await discoverIssuer(testRuntime(), peer.origin, {
        role: 'idp',
        option: 'idp.issuer',
        anchor: new URL(peer.origin),
        signal: never,
      });
      expect(found.tokenEndpoint).toBe(`${peer.origin}/token`);
      expect(peer.requests).toHaveLength(2);
    } finally {
      await peer.close();
    }
  });

  it.each([
    ['while it is asked for', () => silence()],
    ['between two attempts', () => ({ status: 503, headers: { 'retry-after': '2' } })],
  ])('that an acquisition runs out of time for, %s, is waited for in this leg', async (_when, answer) => {
    const deadline = new AbortController();
    const reason = new CredenceError({ code: 'timeout', leg: 'redeem', message: 'm.', remedy: 'r', contact: 'you' });
    const peer = await startPeer({
      '/.well-known/oauth-authorization-server': () => {
        setTimeout(() => deadline.abort(reason), 20);
        return answer();
      },
    });
    try {
      const found = discoverIssuer(testRuntime(), peer.origin, {
        role: 'idp',
        option: 'idp.issuer',
        anchor: new URL(peer.origin),
        signal: deadline.signal,
      });
      expect(await refusalOf(found)).toMatchObject({
        code: 'timeout',
        leg: 'discover',
        contact: 'idp-admin',
        message: `m. It was waiting for ${peer.origin}.`,
      });
    } finally {
      await peer.close();
    }
  });
});
