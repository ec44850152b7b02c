import { describe, expect, it } from '@jest/globals';
import { clientSecret } from '../credentials/client-secret.ts';
import { hosts } from '../../test-support/hosts.ts';
import { never, refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { serverSettings } from '../../test-support/settings.ts';
import { Directory } from './directory.ts';

const PRM = 'https://mcp.linear.app/.well-known/oauth-protected-resource/mcp';
const RESOURCE = 'https://mcp.linear.app/mcp';
const resource = (...servers: string[]) => ({ resource: RESOURCE, authorization_servers: servers });
const as = (issuer: string) => ({ issuer, token_endpoint: `${issuer}/token` });

function world(table: Parameters<typeof hosts>[0]) {
  const network = hosts(table);
  let nowMs = 1_000;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const runtime = testRuntime({ fetch: network.fetch, clock });
  return { network, runtime, directory: new Directory(runtime), advanceClock: (ms: number) => void (nowMs += ms) };
}

describe('a pinned issuer', () => {
  it('is used if the server names it among others', async () => {
    const { directory } = world({ [PRM]: resource('https://other.example', 'https://linear.app') });
    expect(await directory.target(serverSettings(), never)).toEqual({
      resource: RESOURCE,
      issuer: 'https://linear.app',
    });
  });

  it('is used if the server publishes no metadata or names no authorization server', async () => {
    expect(await world({}).directory.target(serverSettings(), never)).toMatchObject({ issuer: 'https://linear.app' });
    const { directory } = world({ [PRM]: { resource: RESOURCE } });
    expect(await directory.target(serverSettings(), never)).toMatchObject({ issuer: 'https://linear.app' });
  });

  it.each(['https://evil.example', 'https://linear.app/', 'https://linear.app:443'])(
    'is refused if the server names only %s, and no request is sent to either issuer',
    async (named) => {
      const { directory, network } = world({ [PRM]: resource(named) });
      const error = await refusalOf(directory.target(serverSettings(), never));
      expect(error).toMatchObject({ code: 'issuer_mismatch', leg: 'discover', contact: 'you', server: 'linear' });
      expect(error.remedy).toContain('servers.linear.issuer');
      expect(network.requests).toEqual([`GET ${PRM}`]);
    },
  );

  it('and a pinned resource need no request to the server', async () => {
    const { directory, network } = world({});
    expect(await directory.target(serverSettings({ resource: 'urn:linear' }), never)).toEqual({
      resource: 'urn:linear',
      issuer: 'https://linear.app',
    });
    expect(network.requests).toEqual([]);
  });

  it('and a pinned token endpoint need no request to the issuer', async () => {
    const { directory, network } = world({});
    const server = serverSettings({ tokenEndpoint: 'https://linear.app/oauth/token' });
    expect(await directory.authorizationServer(server, server.issuer, never)).toEqual({
      issuer: 'https://linear.app',
      url: 'https://linear.app/oauth/token',
      option: 'servers.linear.tokenEndpoint',
    });
    expect(network.requests).toEqual([]);
  });
});

describe("issuer: 'discover'", () => {
  const server = serverSettings({ issuer: 'discover' });

  it('uses the issuer that the server names', async () => {
    const { directory } = world({ [PRM]: resource('https://linear.app') });
    expect(await directory.target(server, never)).toEqual({ resource: RESOURCE, issuer: 'https://linear.app' });
  });

  it('throws ambiguous_issuer if the server names several', async () => {
    const { directory } = world({ [PRM]: resource('https://a.example', 'https://b.example') });
    const error = await refusalOf(directory.target(server, never));
    expect(error).toMatchObject({ code: 'ambiguous_issuer', leg: 'discover', contact: 'you', server: 'linear' });
    expect(error.message).toContain('"https://a.example", "https://b.example"');
  });

  it.each([{ resource: RESOURCE }, { resource: RESOURCE, authorization_servers: [] }])(
    'throws metadata_not_found if the server names none: %p',
    async (document) => {
      const { directory } = world({ [PRM]: document });
      expect(await refusalOf(directory.target(server, never))).toMatchObject({
        code: 'metadata_not_found',
        contact: 'server-owner',
      });
    },
  );

  it('refuses another issuer than the first, also after the metadata has expired', async () => {
    const { directory, network, advanceClock } = world({ [PRM]: resource('https://linear.app') });
    await directory.target(server, never);
    network.set(PRM, resource('https://evil.example'));
    advanceClock(25 * 3_600_000);
    const error = await refusalOf(directory.target(server, never));
    expect(error).toMatchObject({
      code: 'issuer_changed',
      leg: 'discover',
      contact: 'server-owner',
      issuer: 'https://linear.app',
    });
    expect(error.message).toContain('https://evil.example');
    expect(error.message).toContain('https://linear.app');
  });

  it('refuses another issuer than the first in a directory without cached metadata', async () => {
    const { directory, network, runtime } = world({ [PRM]: resource('https://linear.app') });
    await directory.target(server, never);
    network.set(PRM, resource('https://evil.example'));
    expect(await refusalOf(directory.withoutMetadata(runtime).target(server, never))).toMatchObject({
      code: 'issuer_changed',
    });
  });

  it('is refused with the contact you if the URL of the server does not exist', async () => {
    const { directory } = world({});
    const error = await refusalOf(directory.target(server, never));
    expect(error).toMatchObject({ code: 'metadata_not_found', contact: 'you', status: 404 });
    expect(error.remedy).toContain('Check servers.linear.url: a request to it was answered with 404');
  });

  it('is refused with the contact server-owner if the server publishes nothing', async () => {
    const { directory } = world({ [RESOURCE]: () => new Response('', { status: 401 }) });
    const error = await refusalOf(directory.target(server, never));
    expect(error).toMatchObject({ code: 'metadata_not_found', contact: 'server-owner', status: 401 });
  });

  it.each([
    'http://linear.app',
    'https://10.0.0.1',
    'https://localhost',
    'javascript:x',
    'https://linear.app/\nINFO forged',
    'https://linear.app/"INFO"forged',
    `https://linear.app/${'x'.repeat(47_000)}`,
  ])('sends no request to %.60j', async (named) => {
    const { directory, network } = world({ [PRM]: resource(named) });
    const discovery = async () => {
      const { issuer } = await directory.target(server, never);
      return directory.authorizationServer(server, issuer, never);
    };
    const error = await refusalOf(discovery());
    expect(['forbidden_url', 'invalid_response']).toContain(error.code);
    expect(error.message).not.toContain('\n');
    expect(error.summary.length).toBeLessThan(800);
    expect(network.requests.every((request) => request.startsWith('GET https://mcp.linear.app/'))).toBe(true);
  });
});

describe('metadata', () => {
  it('is requested once for concurrent callers, and then cached', async () => {
    const issuer = 'https://linear.app';
    const { directory, network } = world({ [`${issuer}/.well-known/oauth-authorization-server`]: as(issuer) });
    const discover = async () => directory.authorizationServer(serverSettings(), issuer, never);
    await Promise.all([discover(), discover(), discover()]);
    await discover();
    expect(network.requests).toHaveLength(1);
  });

  it('is used for up to a day and refreshed in the background after an hour', async () => {
    const issuer = 'https://linear.app';
    const at = `${issuer}/.well-known/oauth-authorization-server`;
    const { directory, network, advanceClock } = world({ [at]: as(issuer) });
    const discover = async () => (await directory.authorizationServer(serverSettings(), issuer, never)).url;
    await discover();
    network.set(at, { issuer, token_endpoint: 'https://linear.app/v2/token' });
    advanceClock(2 * 3_600_000);
    expect(await discover()).toBe('https://linear.app/token');
    await new Promise((resolve) => setImmediate(resolve));
    expect(await discover()).toBe('https://linear.app/v2/token');
    expect(network.requests).toHaveLength(2);
  });

  it('that answered 5xx at the URL in a challenge is requested again after a minute', async () => {
    const pointer = 'https://mcp.linear.app/meta';
    const challenge = () =>
      new Response(null, { status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${pointer}"` } });
    const { directory, network, advanceClock } = world({
      [RESOURCE]: challenge,
      [pointer]: () => new Response('', { status: 503 }),
    });
    const server = serverSettings({ issuer: 'discover' });
    expect(await refusalOf(directory.target(server, never))).toMatchObject({ code: 'metadata_not_found' });
    network.set(pointer, resource('https://linear.app'));
    advanceClock(61_000);
    await expect(directory.target(server, never)).resolves.toMatchObject({ issuer: 'https://linear.app' });
  });

  const issuer = 'https://linear.app';
  const document = `${issuer}/.well-known/openid-configuration`;

  it('is requested again by the first caller a second after it was not found', async () => {
    const { directory, network, advanceClock } = world({});
    const get = () => directory.authorizationServer(serverSettings(), issuer, never);
    expect(await refusalOf(get())).toMatchObject({ code: 'metadata_not_found' });
    const sent = network.requests.length;
    network.set(document, as(issuer));
    expect(await refusalOf(get())).toMatchObject({ code: 'metadata_not_found' });
    expect(network.requests).toHaveLength(sent);
    advanceClock(1_000);
    expect((await get()).url).toBe(`${issuer}/token`);
  });

  it('that was not found is not requested again for another server, whose error names its own options', async () => {
    const { directory, network } = world({});
    await refusalOf(directory.authorizationServer(serverSettings(), issuer, never));
    const sent = network.requests.length;
    const other = serverSettings({ name: 'notes', url: new URL('https://notes.example/mcp') });
    const error = await refusalOf(directory.authorizationServer(other, issuer, never));
    expect(error).toMatchObject({ code: 'metadata_not_found', server: 'notes', issuer });
    expect(error.remedy).toContain('Check the spelling of servers.notes.issuer');
    expect(JSON.stringify(error)).not.toContain('servers.linear');
    expect(network.requests).toHaveLength(sent);
  });

  it('that was not found twice is not requested again for other principals of the process', async () => {
    const { runtime, network } = world({});
    const get = () => refusalOf(new Directory(runtime).authorizationServer(serverSettings(), issuer, never));
    await get();
    await get();
    const sent = network.requests.length;
    for (let principal = 0; principal < 20; principal += 1) expect((await get()).code).toBe('metadata_not_found');
    expect(network.requests).toHaveLength(sent);
  });

  it('with another issuer is not requested for another server, whose remedy has its own values', async () => {
    const notes = 'https://notes.example/mcp';
    const { directory, network } = world({
      [PRM]: { resource: RESOURCE, authorization_servers: [issuer] },
      'https://notes.example/.well-known/oauth-protected-resource/mcp': {
        resource: notes,
        authorization_servers: [issuer],
      },
      [`${issuer}/.well-known/oauth-authorization-server`]: as(`${issuer}/`),
    });
    const first = await refusalOf(directory.authorizationServer(serverSettings(), issuer, never));
    expect(first.remedy).toContain(`servers.linear.resource to "${RESOURCE}"`);
    const other = serverSettings({ name: 'notes', url: new URL(notes) });
    const error = await refusalOf(directory.authorizationServer(other, issuer, never));
    expect(error).toMatchObject({ code: 'issuer_mismatch', server: 'notes' });
    expect(error.remedy).toContain(`servers.notes.issuer to "${issuer}/"`);
    expect(error.remedy).toContain(`servers.notes.resource to "${notes}"`);
    expect(error.remedy).not.toContain('linear.app/mcp');
    expect(await refusalOf(directory.authorizationServer(other, issuer, never))).toBe(error);
    const document = `GET ${issuer}/.well-known/oauth-authorization-server`;
    expect(network.requests.filter((request) => request === document)).toHaveLength(1);
  });

  it('that was not found is requested after a directory without metadata has found it', async () => {
    const { runtime, directory, network } = world({});
    const get = (from: Directory) => from.authorizationServer(serverSettings(), issuer, never);
    await refusalOf(get(directory));
    network.set(document, as(issuer));
    await refusalOf(get(directory));
    await get(directory.withoutMetadata(runtime));
    expect((await get(directory)).url).toBe(`${issuer}/token`);
  });

  it('of a peer that is away is requested again by the next caller', async () => {
    const { directory, network } = world({ [document]: () => new Response(null, { status: 503 }) });
    const get = () => directory.authorizationServer(serverSettings(), issuer, never);
    expect(await refusalOf(get())).toMatchObject({ code: 'peer_unavailable', retryable: true });
    network.set(document, as(issuer));
    expect((await get()).url).toBe(`${issuer}/token`);
  });

  it('of the IdP with another issuer is refused, and the remedy names idp.issuer', async () => {
    const { directory } = world({
      'https://acme.okta.com/.well-known/oauth-authorization-server': as('https://acme.okta.com/'),
    });
    const error = await refusalOf(directory.idp({ issuer: 'https://acme.okta.com' }, 'idp.issuer', never));
    expect(error).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
    expect(error.remedy).toContain('idp.issuer');
  });
});

describe('a credential of several servers with the issuer "discover"', () => {
  const credential = clientSecret({ clientId: 'bot', secret: 'shared-secret' });
  const prm = (path: string) => `https://mcp.linear.app/.well-known/oauth-protected-resource${path}`;
  const discovering = (name: string, path: string) =>
    serverSettings({ name, issuer: 'discover', credential, url: new URL(`https://mcp.linear.app${path}`) });
  /** What a flow does: it gets the issuer, and sends the credential to it. */
  const use = async (directory: Directory, server: ReturnType<typeof serverSettings>) => {
    const { issuer } = await directory.target(server, never);
    directory.useCredential(server, issuer);
    return issuer;
  };
  const named = (path: string, issuer: string) => ({
    resource: `https://mcp.linear.app${path}`,
    authorization_servers: [issuer],
  });

  it.each([
    ['another path', '/a', '/b', 'https://evil.example'],
    ['a path below', '/a', '/a/b', 'https://evil.example'],
    ['an issuer with a final slash', '/a', '/b', 'https://linear.app/'],
    ['an issuer in upper case', '/a', '/b', 'https://LINEAR.app'],
    ['a path of the same issuer', '/a', '/b', 'https://linear.app/tenant'],
  ])('belongs to the issuer of its first use: a server with %s is refused', async (_what, first, second, issuer) => {
    const { directory, network } = world({
      [prm(first)]: named(first, 'https://linear.app'),
      [prm(second)]: named(second, issuer),
    });
    await use(directory, discovering('one', first));
    const requestsBefore = network.requests.length;
    const error = await refusalOf(directory.target(discovering('two', second), never));
    expect(error).toMatchObject({ code: 'issuer_mismatch', leg: 'discover', contact: 'you', server: 'two' });
    expect(error.message).toContain('for server "one"');
    expect(error.remedy).toContain('servers.two.credential');
    expect(network.requests.slice(requestsBefore)).toEqual([`GET ${prm(second)}`]);
    // The refusal does not move the credential to the other issuer.
    await expect(directory.target(discovering('one', first), never)).resolves.toMatchObject({
      issuer: 'https://linear.app',
    });
    expect(await refusalOf(directory.target(discovering('two', second), never))).toMatchObject({
      code: 'issuer_mismatch',
    });
  });

  it('belongs to one of the issuers if both servers are used at the same time', async () => {
    const { directory } = world({
      [prm('/a')]: named('/a', 'https://a.example'),
      [prm('/b')]: named('/b', 'https://b.example'),
    });
    const outcomes = await Promise.allSettled([
      use(directory, discovering('one', '/a')),
      use(directory, discovering('two', '/b')),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('is used for all of them if they name the same issuer', async () => {
    const { directory } = world({
      [prm('/a')]: named('/a', 'https://as.example'),
      [prm('/b')]: named('/b', 'https://as.example'),
    });
    await use(directory, discovering('one', '/a'));
    await expect(directory.target(discovering('two', '/b'), never)).resolves.toMatchObject({
      issuer: 'https://as.example',
    });
  });

  it('belongs to the issuer of its first use in a directory without cached metadata', async () => {
    const { directory, runtime } = world({
      [prm('/a')]: named('/a', 'https://a.example'),
      [prm('/b')]: named('/b', 'https://b.example'),
    });
    await use(directory, discovering('one', '/a'));
    const fresh = directory.withoutMetadata(runtime);
    expect(await refusalOf(fresh.target(discovering('two', '/b'), never))).toMatchObject({ code: 'issuer_mismatch' });
  });

  it('does not belong to an issuer to which it was not sent', async () => {
    const { directory } = world({
      [prm('/a')]: named('/a', 'https://evil.example'),
      [prm('/b')]: named('/b', 'https://b.example'),
    });
    await directory.target(discovering('one', '/a'), never);
    await expect(use(directory, discovering('two', '/b'))).resolves.toBe('https://b.example');
    expect(await refusalOf(use(directory, discovering('one', '/a')))).toMatchObject({ code: 'issuer_mismatch' });
  });
});

describe('the metadata cache of several principals', () => {
  const issuer = 'https://linear.app';
  const table = { [PRM]: resource(issuer), [`${issuer}/.well-known/oauth-authorization-server`]: as(issuer) };
  const discover = async (directory: Directory, server = serverSettings()) => {
    await directory.target(server, never);
    return directory.authorizationServer(server, issuer, never);
  };

  it('is shared, also for servers with other names', async () => {
    const { directory, runtime, network } = world(table);
    const others = Array.from({ length: 50 }, () => new Directory(runtime));
    await Promise.all([
      discover(directory),
      ...others.map(async (other, index) => discover(other, serverSettings({ name: `linear-${index}` }))),
    ]);
    expect(network.requests).toHaveLength(2);
  });

  it('is not shared with a principal that has another fetch, clock or network option', async () => {
    const { directory, runtime, network } = world(table);
    await discover(directory);
    const clock = { wallMs: () => 1_000, monotonicMs: () => 1_000 };
    await discover(new Directory({ ...runtime, fetch: async (input, init) => network.fetch(input, init) }));
    await discover(new Directory({ ...runtime, clock }));
    await discover(new Directory({ ...runtime, network: { allowPrivateAddresses: true } }));
    expect(network.requests).toHaveLength(8);
  });

  it('does not let an MCP server name an address that another configuration allows', async () => {
    const inside = 'http://127.0.0.1:8080';
    const { directory, runtime } = world({ [`${inside}/.well-known/oauth-authorization-server`]: as(inside) });
    await directory.authorizationServer(serverSettings({ issuer: inside }), inside, never);
    const hostile = serverSettings({ name: 'hostile', issuer: 'discover' });
    const error = await refusalOf(new Directory(runtime).authorizationServer(hostile, inside, never));
    expect(error).toMatchObject({ code: 'forbidden_url', server: 'hostile' });
  });

  it('is dropped when the last principal closes, and closing twice counts once', async () => {
    const { directory, runtime, network } = world(table);
    const second = new Directory(runtime);
    await discover(directory);
    directory.close();
    directory.close();
    await discover(second);
    expect(network.requests).toHaveLength(2);
    second.close();
    await discover(new Directory(runtime));
    expect(network.requests).toHaveLength(4);
  });

  it('reports a failed request to each server with the options of that server', async () => {
    const { directory, runtime } = world({});
    const errors = await Promise.all(
      ['one', 'two'].map(async (name) =>
        refusalOf(new Directory(runtime).authorizationServer(serverSettings({ name }), issuer, never)),
      ),
    );
    directory.close();
    expect(errors.map(({ server, remedy }) => [server, /servers\.\w+/u.exec(remedy)?.[0]])).toEqual([
      ['one', 'servers.one'],
      ['two', 'servers.two'],
    ]);
  });
});
