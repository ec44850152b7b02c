import { describe, expect, it } from '@jest/globals';
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
  return { network, runtime, directory: new Directory(runtime), pass: (ms: number) => void (nowMs += ms) };
}

describe('a pinned issuer', () => {
  it('is the target where the server names it among others', async () => {
    const { directory } = world({ [PRM]: resource('https://other.example', 'https://linear.app') });
    expect(await directory.target(serverSettings(), never)).toEqual({
      resource: RESOURCE,
      issuer: 'https://linear.app',
    });
  });

  it('is the target where the server publishes nothing, or names nobody', async () => {
    expect(await world({}).directory.target(serverSettings(), never)).toMatchObject({ issuer: 'https://linear.app' });
    const { directory } = world({ [PRM]: { resource: RESOURCE } });
    expect(await directory.target(serverSettings(), never)).toMatchObject({ issuer: 'https://linear.app' });
  });

  it.each(['https://evil.example', 'https://linear.app/', 'https://linear.app:443'])(
    'is refused where the server names %s, and nobody is sent anything',
    async (named) => {
      const { directory, network } = world({ [PRM]: resource(named) });
      const error = await refusalOf(directory.target(serverSettings(), never));
      expect(error).toMatchObject({ code: 'issuer_mismatch', leg: 'discover', contact: 'you', server: 'linear' });
      expect(error.remedy).toContain('servers.linear.issuer');
      expect(network.asked).toEqual([`GET ${PRM}`]);
    },
  );

  it('with a pinned resource asks the server nothing', async () => {
    const { directory, network } = world({});
    expect(await directory.target(serverSettings({ resource: 'urn:linear' }), never)).toEqual({
      resource: 'urn:linear',
      issuer: 'https://linear.app',
    });
    expect(network.asked).toEqual([]);
  });

  it('with a pinned endpoint asks the issuer nothing', async () => {
    const { directory, network } = world({});
    const server = serverSettings({ tokenEndpoint: 'https://linear.app/oauth/token' });
    expect(await directory.authorizationServer(server, server.issuer, never)).toEqual({
      issuer: 'https://linear.app',
      url: 'https://linear.app/oauth/token',
      option: 'servers.linear.tokenEndpoint',
    });
    expect(network.asked).toEqual([]);
  });
});

describe("issuer: 'discover'", () => {
  const server = serverSettings({ issuer: 'discover' });

  it('trusts the one that the server names', async () => {
    const { directory } = world({ [PRM]: resource('https://linear.app') });
    expect(await directory.target(server, never)).toEqual({ resource: RESOURCE, issuer: 'https://linear.app' });
  });

  it('is an error where the server names several', async () => {
    const { directory } = world({ [PRM]: resource('https://a.example', 'https://b.example') });
    const error = await refusalOf(directory.target(server, never));
    expect(error).toMatchObject({ code: 'ambiguous_issuer', leg: 'discover', contact: 'you', server: 'linear' });
    expect(error.message).toContain('"https://a.example", "https://b.example"');
  });

  it.each([{ resource: RESOURCE }, { resource: RESOURCE, authorization_servers: [] }])(
    'is an error where the server names none: %p',
    async (document) => {
      const { directory } = world({ [PRM]: document });
      expect(await refusalOf(directory.target(server, never))).toMatchObject({
        code: 'metadata_not_found',
        contact: 'server-owner',
      });
    },
  );

  it('remembers the first answer beyond the life of the metadata, and refuses another one', async () => {
    const { directory, network, pass } = world({ [PRM]: resource('https://linear.app') });
    await directory.target(server, never);
    network.set(PRM, resource('https://evil.example'));
    pass(25 * 3_600_000);
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

  it('is remembered by a directory that knows nothing else', async () => {
    const { directory, network, runtime } = world({ [PRM]: resource('https://linear.app') });
    await directory.target(server, never);
    network.set(PRM, resource('https://evil.example'));
    expect(await refusalOf(directory.withoutMetadata(runtime).target(server, never))).toMatchObject({
      code: 'issuer_changed',
    });
  });

  it.each([
    'http://linear.app',
    'https://10.0.0.1',
    'https://localhost',
    'javascript:x',
    'https://linear.app/\nINFO forged',
  ])('never leads to %j', async (named) => {
    const { directory, network } = world({ [PRM]: resource(named) });
    const { issuer } = await directory.target(server, never);
    const error = await refusalOf(directory.authorizationServer(server, issuer, never));
    expect(['forbidden_url', 'invalid_response']).toContain(error.code);
    expect(error.message).not.toContain('\n');
    expect(network.asked).toEqual([`GET ${PRM}`]);
  });
});

describe('metadata', () => {
  it('is asked for once by all who want it at the same time, and kept', async () => {
    const issuer = 'https://linear.app';
    const { directory, network } = world({ [`${issuer}/.well-known/oauth-authorization-server`]: as(issuer) });
    const ask = async () => directory.authorizationServer(serverSettings(), issuer, never);
    await Promise.all([ask(), ask(), ask()]);
    await ask();
    expect(network.asked).toHaveLength(1);
  });

  it('serves on for a day while it is refreshed behind', async () => {
    const issuer = 'https://linear.app';
    const at = `${issuer}/.well-known/oauth-authorization-server`;
    const { directory, network, pass } = world({ [at]: as(issuer) });
    const ask = async () => (await directory.authorizationServer(serverSettings(), issuer, never)).url;
    await ask();
    network.set(at, { issuer, token_endpoint: 'https://linear.app/v2/token' });
    pass(2 * 3_600_000);
    expect(await ask()).toBe('https://linear.app/token');
    await new Promise((resolve) => setImmediate(resolve));
    expect(await ask()).toBe('https://linear.app/v2/token');
    expect(network.asked).toHaveLength(2);
  });

  it('that could not be had is asked for again by the next', async () => {
    const issuer = 'https://linear.app';
    const { directory, network } = world({});
    expect(await refusalOf(directory.authorizationServer(serverSettings(), issuer, never))).toMatchObject({
      code: 'metadata_not_found',
    });
    network.set(`${issuer}/.well-known/openid-configuration`, as(issuer));
    expect((await directory.authorizationServer(serverSettings(), issuer, never)).url).toBe(`${issuer}/token`);
  });

  it('of the IdP names idp.issuer when it is another one', async () => {
    const { directory } = world({
      'https://acme.okta.com/.well-known/oauth-authorization-server': as('https://acme.okta.com/'),
    });
    const error = await refusalOf(directory.idp({ issuer: 'https://acme.okta.com' }, 'idp.issuer', never));
    expect(error).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
    expect(error.remedy).toContain('idp.issuer');
  });
});
