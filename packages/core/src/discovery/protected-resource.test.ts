import { describe, expect, it } from '@jest/globals';
import { hangUp, startPeer } from '../../../../test/support/peer.ts';
import { type HostAnswer, hosts } from '../../test-support/hosts.ts';
import { never, refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { discoverResource } from './protected-resource.ts';

const URL_ = 'https://mcp.example/mcp';
const INSERTED = 'https://mcp.example/.well-known/oauth-protected-resource/mcp';
const ROOT = 'https://mcp.example/.well-known/oauth-protected-resource';
const AS = ['https://as.example'];

const redirect = (location: string) => () => new Response(null, { status: 302, headers: { location } });
const html = () => new Response('<title>Sign in</title>', { headers: { 'content-type': 'text/html' } });
const challenge = (pointer: string) => () =>
  new Response(null, { status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${pointer}"` } });

async function discovered(table: Readonly<Record<string, HostAnswer>>, url = URL_) {
  const world = hosts(table);
  const runtime = testRuntime({ fetch: world.fetch });
  const discovery = discoverResource(runtime, { name: 'linear', url: new URL(url) }, never);
  return { world, runtime, discovery };
}

describe('the metadata of an MCP server', () => {
  it('is read from the well-known path with the path of the server appended, without a request to the root path', async () => {
    const { discovery, world } = await discovered({
      [INSERTED]: { resource: URL_, authorization_servers: AS, scopes_supported: ['a'] },
      [ROOT]: { resource: 'https://mcp.example/', authorization_servers: ['https://other.example'] },
    });
    await expect(discovery).resolves.toEqual({
      resource: URL_,
      authorizationServers: AS,
      scopesSupported: ['a'],
      published: true,
    });
    expect(world.requests).toEqual([`GET ${INSERTED}`]);
  });

  it.each<[string, HostAnswer | undefined]>([
    ['does not exist', undefined],
    ['has an HTML page', html],
    ['redirects to a login page', redirect('https://mcp.example/login')],
    ['has metadata of another resource', { resource: 'https://mcp.example/other' }],
  ])('is read from the root well-known path if the path of the server %s', async (_what, inserted) => {
    const { discovery, world } = await discovered({
      ...(inserted && { [INSERTED]: inserted }),
      [ROOT]: { resource: 'https://mcp.example', authorization_servers: AS },
    });
    await expect(discovery).resolves.toMatchObject({ resource: 'https://mcp.example', authorizationServers: AS });
    expect(world.requests).toEqual([`GET ${INSERTED}`, `GET ${ROOT}`]);
  });

  it('is read from the URL in the challenge of a 401 if no well-known path has it', async () => {
    const pointer = 'https://mcp.example/meta/linear';
    const { discovery, world } = await discovered({
      [URL_]: challenge(pointer),
      [pointer]: { resource: URL_, authorization_servers: AS },
    });
    await expect(discovery).resolves.toMatchObject({ resource: URL_, published: true });
    expect(world.requests).toEqual([`GET ${INSERTED}`, `GET ${ROOT}`, `POST ${URL_}`, `GET ${pointer}`]);
  });

  it.each([
    ['http://mcp.example/meta', 'forbidden_url'],
    ['https://127.0.0.1/meta', 'forbidden_url'],
    ['https://169.254.169.254/latest', 'forbidden_url'],
    ['file:///etc/passwd', 'invalid_response'],
  ])('is not fetched from %s if the challenge of a 401 names that URL', async (pointer, code) => {
    const { discovery, world } = await discovered({ [URL_]: challenge(pointer) });
    expect(await refusalOf(discovery)).toMatchObject({
      code,
      leg: 'discover',
      contact: 'server-owner',
      server: 'linear',
    });
    expect(world.requests).toHaveLength(3);
  });

  it('has the URL of the server as resource identifier if the server publishes none', async () => {
    const { discovery } = await discovered({}, `${URL_}#frag`);
    await expect(discovery).resolves.toEqual({
      resource: URL_,
      authorizationServers: [],
      scopesSupported: undefined,
      published: false,
    });
  });

  it('is treated as not published if the challenge of a 401 has no resource_metadata', async () => {
    const { discovery } = await discovered({
      [URL_]: () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer' } }),
    });
    await expect(discovery).resolves.toMatchObject({ published: false });
  });

  it('is requested without any credential', async () => {
    const peer = await startPeer({ '/mcp': { status: 401 } });
    try {
      await discoverResource(testRuntime(), { name: 'linear', url: new URL(`${peer.origin}/mcp`) }, never);
      expect(peer.requests).toHaveLength(3);
      for (const request of peer.requests) expect(request.headers.authorization).toBeUndefined();
    } finally {
      await peer.close();
    }
  });

  it('is not read from the next path if the first cannot be reached', async () => {
    const peer = await startPeer({ '/.well-known/oauth-protected-resource/mcp': hangUp() });
    try {
      const discovery = discoverResource(testRuntime(), { name: 'linear', url: new URL(`${peer.origin}/mcp`) }, never);
      expect(await refusalOf(discovery)).toMatchObject({
        code: 'unreachable',
        leg: 'discover',
        contact: 'server-owner',
      });
      expect(new Set(peer.requests.map(({ path }) => path)).size).toBe(1);
      expect(peer.requests).toHaveLength(3);
    } finally {
      await peer.close();
    }
  });
});

describe('the resource in the metadata of an MCP server', () => {
  it.each([
    ['https://mcp.example/mcp', URL_],
    ['https://mcp.example/mcp/', URL_],
    ['https://MCP.example:443/mcp', URL_],
    ['https://mcp.example', URL_],
    ['https://mcp.example/', URL_],
    ['https://mcp.example/mcp', 'https://mcp.example/mcp/'],
    ['https://mcp.example/a', 'https://mcp.example/a/b/c'],
    ['https://mcp.example/mcp?tenant=1', 'https://mcp.example/mcp?tenant=1'],
    ['https://mcp.example/mcp', 'https://mcp.example/mcp?tenant=1'],
  ])('may be %s for the server URL %s, and is used without normalisation', async (resource, url) => {
    const path = new URL(url).pathname.replace(/\/$/u, '');
    const at = `https://mcp.example/.well-known/oauth-protected-resource${path}${new URL(url).search}`;
    const { discovery } = await discovered({ [at]: { resource } }, url);
    expect((await discovery).resource).toBe(resource);
  });

  it.each<[string, unknown]>([
    ['another origin', 'https://evil.example/mcp'],
    ['another scheme', 'http://mcp.example/mcp'],
    ['another port', 'https://mcp.example:8443/mcp'],
    ['a sibling path', 'https://mcp.example/other'],
    ['a path below', 'https://mcp.example/mcp/tools'],
    ['a beginning of the path that is not a path segment', 'https://mcp.example/mc'],
    ['a longer path with the same beginning', 'https://mcp.example/mcp2'],
    ['another case of the path', 'https://mcp.example/MCP'],
    ['a query of its own', 'https://mcp.example/mcp?x=1'],
    ['a fragment', 'https://mcp.example/mcp#x'],
    ['a user name', 'https://u@mcp.example/mcp'],
    ['a password', 'https://:p@mcp.example/'],
    ['a host with the same beginning', 'https://mcp.example.evil.example/mcp'],
    ['a line break that the URL parser drops', 'https://mcp.example/x\nINFO admin logged in/..'],
    ['spaces around it', ' https://mcp.example/mcp '],
    ['a path alone', '/mcp'],
    ['nothing', undefined],
    ['a list', ['https://mcp.example/mcp']],
  ])('may not be %s', async (_what, resource) => {
    const { discovery, world } = await discovered({ [INSERTED]: { resource, authorization_servers: AS } });
    const error = await refusalOf(discovery);
    expect(error).toMatchObject({
      code: 'resource_mismatch',
      leg: 'discover',
      contact: 'server-owner',
      server: 'linear',
      retryable: false,
    });
    expect(error.message).toContain(INSERTED);
    expect(error.message).not.toContain('\n');
    expect(world.requests).toEqual([`GET ${INSERTED}`, `GET ${ROOT}`]);
  });

  it('is reported in one event for each request, with the result', async () => {
    const { discovery, runtime } = await discovered({ [ROOT]: { resource: 'https://mcp.example' } });
    await discovery;
    expect(runtime.events).toMatchObject([
      { leg: 'discover', operation: 'protected-resource-metadata', ok: false, status: 404, endpoint: INSERTED },
      { leg: 'discover', operation: 'protected-resource-metadata', ok: true, status: 200, endpoint: ROOT },
    ]);
  });
});
