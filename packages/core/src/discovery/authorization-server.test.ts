import { describe, expect, it } from '@jest/globals';
import { endless, silence, startPeer } from '../../../../test/support/peer.ts';
import { type HostAnswer, hosts } from '../../test-support/hosts.ts';
import { never, refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { NetworkTrust } from '@credence/protocol';
import { discoverIssuer, type IssuerMetadata, lookSwapped } from './authorization-server.ts';

const ISSUER = 'https://as.example/t';
const [OAUTH, OIDC_INSERTED, OIDC] = [
  'https://as.example/.well-known/oauth-authorization-server/t',
  'https://as.example/.well-known/openid-configuration/t',
  'https://as.example/t/.well-known/openid-configuration',
];
const GOOD = { issuer: ISSUER, token_endpoint: 'https://as.example/t/token' };

async function discovered(
  table: Readonly<Record<string, HostAnswer>>,
  {
    issuer = ISSUER,
    configuredUrl = issuer,
    network = {},
  }: { issuer?: string; configuredUrl?: string; network?: NetworkTrust } = {},
) {
  const world = hosts(table);
  const runtime = testRuntime({ fetch: world.fetch, network });
  const discovery = discoverIssuer(runtime, issuer, {
    role: 'authorization-server',
    server: 'linear',
    option: 'servers.linear.issuer',
    configuredUrl: new URL(configuredUrl),
    signal: never,
  });
  return { world, runtime, discovery };
}

describe('the metadata of an issuer', () => {
  it.each([
    [OAUTH, [OAUTH]],
    [OIDC_INSERTED, [OAUTH, OIDC_INSERTED]],
    [OIDC, [OAUTH, OIDC_INSERTED, OIDC]],
  ])('is found at %s', async (url, expectedUrls) => {
    const { discovery, world } = await discovered({ [url]: GOOD });
    await expect(discovery).resolves.toMatchObject({ issuer: ISSUER, tokenEndpoint: 'https://as.example/t/token' });
    expect(world.requests).toEqual(expectedUrls.map((path) => `GET ${path}`));
  });

  it('has undefined for every support that the document does not state', async () => {
    const full = {
      ...GOOD,
      grant_types_supported: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      identity_chaining_requested_token_types_supported: ['urn:ietf:params:oauth:token-type:jwt'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
    };
    expect(await (await discovered({ [OAUTH]: full })).discovery).toMatchObject({
      redeemsIdJags: true,
      issuesIdJags: false,
      authMethods: ['private_key_jwt'],
    });
    expect(await (await discovered({ [OAUTH]: GOOD })).discovery).toMatchObject({
      redeemsIdJags: undefined,
      issuesIdJags: undefined,
      grantTypes: undefined,
    });
  });

  it.each<[string, HostAnswer]>([
    ['the status 500', () => new Response('', { status: 500 })],
    ['the status 502', () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
    ['the status 503', () => Response.json(GOOD, { status: 503 })],
    ['the status 400', () => new Response('', { status: 400 })],
    ['the status 401', () => new Response('', { status: 401 })],
    ['the status 403', () => new Response('', { status: 403 })],
    ['the status 405', () => new Response('', { status: 405 })],
    ['the status 410', () => new Response('', { status: 410 })],
    ['an HTML page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['JSON under text/html', () => new Response(JSON.stringify(GOOD), { headers: { 'content-type': 'text/html' } })],
    ['a redirect to a login page', () => new Response(null, { status: 302, headers: { location: '/login' } })],
    ['a JSON list', () => Response.json([GOOD])],
    ['a document of another issuer', { ...GOOD, issuer: 'https://as.example' }],
  ])('is read from the next path if the first has %s', async (_what, first) => {
    const { discovery } = await discovered({ [OAUTH]: first, [OIDC]: GOOD });
    await expect(discovery).resolves.toMatchObject({ issuer: ISSUER });
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
  ])('is refused for the issuer %s if its issuer is %p: the strings must be equal', async (issuer, named) => {
    const { origin, pathname } = new URL(issuer);
    const at = `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/u, '')}`;
    const { discovery } = await discovered({ [at]: { ...GOOD, issuer: named } }, { issuer });
    const error = await refusalOf(discovery);
    expect(error).toMatchObject({ code: 'issuer_mismatch', leg: 'discover', contact: 'you', server: 'linear' });
    expect(error.remedy).toContain('servers.linear.issuer');
    expect(error.message).not.toMatch(/[\r\n]/u);
  });

  it('causes metadata_not_found with the number of paths and the option if no path has it', async () => {
    const { discovery } = await discovered({});
    const error = await refusalOf(discovery);
    expect(error).toMatchObject({ code: 'metadata_not_found', leg: 'discover', contact: 'you', issuer: ISSUER });
    expect(error.message).toContain('3 well-known paths');
    expect(error.remedy).toContain('servers.linear.issuer');
  });

  it('causes redirect_refused if every path redirects', async () => {
    const redirect = () => new Response(null, { status: 301, headers: { location: 'https://new.example/' } });
    const { discovery, world } = await discovered({ [OAUTH]: redirect, [OIDC_INSERTED]: redirect, [OIDC]: redirect });
    expect(await refusalOf(discovery)).toMatchObject({ code: 'redirect_refused', leg: 'discover', status: 301 });
    expect(world.requests.every((url) => url.includes('as.example'))).toBe(true);
  });

  const page = () =>
    new Response('<!doctype html><title>Welcome</title>', { headers: { 'content-type': 'text/html' } });
  const misnamed = () => new Response(JSON.stringify(GOOD), { headers: { 'content-type': 'text/plain' } });
  const outage = () => new Response('no backend', { status: 502 });
  const forbidden = () => new Response('', { status: 403 });
  const other = () => Response.json({ ...GOOD, issuer: 'https://other.example' });

  it.each<[string, Record<string, HostAnswer>, object, string]>([
    ['pages', { [OAUTH]: page }, { code: 'metadata_not_found', contact: 'you' }, 'an HTML page, as a captive portal'],
    [
      'JSON as text',
      { [OAUTH]: forbidden, [OIDC]: misnamed },
      { code: 'invalid_response', contact: 'server-owner' },
      'JSON under the content type "text/plain"',
    ],
    ['403', { [OIDC]: forbidden }, { code: 'metadata_not_found', contact: 'you', status: 403 }, 'answered 403'],
    ['404', {}, { code: 'metadata_not_found', contact: 'you', status: 404 }, 'answered 404'],
    [
      'an outage',
      { [OAUTH]: page, [OIDC]: outage },
      { code: 'peer_unavailable', retryable: true, peerText: 'no backend' },
      'answered 502',
    ],
    [
      'another issuer, then an outage',
      { [OAUTH]: other, [OIDC]: outage },
      { code: 'issuer_mismatch' },
      'other.example',
    ],
    ['an outage, then another issuer', { [OAUTH]: outage, [OIDC]: other }, { code: 'peer_unavailable' }, '502'],
  ])('causes the error that says most if the paths have %s', async (_what, table, members, message) => {
    const error = await refusalOf((await discovered(table)).discovery);
    expect(error).toMatchObject({ leg: 'discover', server: 'linear', ...members });
    expect(error.message).toContain(message);
    if (error.code !== 'issuer_mismatch') expect(error.remedy).toContain('servers.linear.tokenEndpoint');
  });

  it('is refused without a token endpoint', async () => {
    const { discovery } = await discovered({ [OAUTH]: { issuer: ISSUER } });
    expect(await refusalOf(discovery)).toMatchObject({ code: 'invalid_response', contact: 'server-owner' });
  });

  it.each([
    'http://as.example/token',
    'https://127.0.0.1/token',
    'https://localhost:8080/token',
    'https://10.0.0.8/token',
    'https://169.254.169.254/token',
    'https://vault.internal/token',
  ])('is refused if it names the token endpoint %s', async (endpoint) => {
    const { discovery } = await discovered({ [OAUTH]: { ...GOOD, token_endpoint: endpoint } });
    expect(await refusalOf(discovery)).toMatchObject({
      code: 'forbidden_url',
      leg: 'discover',
      contact: 'server-owner',
    });
  });

  it('may name a token endpoint with a private address if allowPrivateAddresses is set', async () => {
    const document = { ...GOOD, token_endpoint: 'https://10.0.0.8/token' };
    const { discovery } = await discovered({ [OAUTH]: document }, { network: { allowPrivateAddresses: true } });
    await expect(discovery).resolves.toMatchObject({ tokenEndpoint: 'https://10.0.0.8/token' });
  });

  it.each(['http://as.example', 'https://127.0.0.1:1', 'https://10.0.0.8'])(
    'is not requested if an MCP server names the issuer %s',
    async (issuer) => {
      const { discovery, world } = await discovered({}, { issuer, configuredUrl: 'https://mcp.example/mcp' });
      expect(await refusalOf(discovery)).toMatchObject({ code: 'forbidden_url', leg: 'discover' });
      expect(world.requests).toEqual([]);
    },
  );

  it('is refused with response_too_large if it does not end', async () => {
    const peer = await startPeer({ '*': endless() });
    try {
      const found = discoverIssuer(testRuntime(), peer.origin, {
        role: 'idp',
        option: 'idp.issuer',
        configuredUrl: new URL(peer.origin),
        signal: never,
      });
      expect(await refusalOf(found)).toMatchObject({ code: 'response_too_large', contact: 'idp-admin' });
      expect(peer.requests).toHaveLength(1);
    } finally {
      await peer.close();
    }
  });

  it('is requested again at all paths after a 503', async () => {
    const peer = await startPeer({});
    const document = { issuer: peer.origin, token_endpoint: `${peer.origin}/token` };
    peer.route('/.well-known/oauth-authorization-server', [{ status: 503 }, { body: document }]);
    try {
      const found = await discoverIssuer(testRuntime(), peer.origin, {
        role: 'idp',
        option: 'idp.issuer',
        configuredUrl: new URL(peer.origin),
        signal: never,
      });
      expect(found.tokenEndpoint).toBe(`${peer.origin}/token`);
      expect(peer.requests.map(({ path }) => path)).toEqual([
        '/.well-known/oauth-authorization-server',
        '/.well-known/openid-configuration',
        '/.well-known/oauth-authorization-server',
      ]);
    } finally {
      await peer.close();
    }
  });

  it.each([
    ['during the request', () => silence()],
    ['between two attempts', () => ({ status: 503, headers: { 'retry-after': '2' } })],
  ])('causes a timeout of the leg discover if the deadline of the acquisition passes %s', async (_when, answer) => {
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
        configuredUrl: new URL(peer.origin),
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

describe('the issuers of the IdP and of the authorization server', () => {
  const [EXCHANGE, JWT_BEARER] = [
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
  ];
  const metadata = (members: Partial<IssuerMetadata>): IssuerMetadata => ({
    issuer: ISSUER,
    tokenEndpoint: GOOD.token_endpoint,
    grantTypes: undefined,
    authMethods: undefined,
    revocationEndpoint: undefined,
    redeemsIdJags: undefined,
    issuesIdJags: undefined,
    ...members,
  });
  const [idp, as] = [metadata({ grantTypes: [EXCHANGE] }), metadata({ grantTypes: [JWT_BEARER] })];

  it.each<[string, IssuerMetadata, IssuerMetadata, boolean]>([
    ['by their grant types', as, idp, true],
    [
      'by what they say of ID-JAGs',
      metadata({ redeemsIdJags: true, issuesIdJags: false }),
      metadata({ issuesIdJags: true }),
      true,
    ],
    ['not if each has its place', idp, as, false],
    ['not if they say nothing', metadata({}), metadata({}), false],
    ['not if the IdP says nothing', metadata({}), idp, false],
    [
      'not if both do both',
      metadata({ grantTypes: [EXCHANGE, JWT_BEARER] }),
      metadata({ grantTypes: [EXCHANGE, JWT_BEARER] }),
      false,
    ],
    [
      'not if the authorization server also exchanges',
      metadata({ grantTypes: [] }),
      metadata({ grantTypes: [EXCHANGE, JWT_BEARER] }),
      false,
    ],
  ])('look swapped %s', (_how, first, second, expected) => {
    expect(lookSwapped(first, second)).toBe(expected);
  });
});
