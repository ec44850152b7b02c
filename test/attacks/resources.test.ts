import type { McpServerOptions } from '@credence/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refusalOf } from '../support/evidence.ts';
import { otherResource } from '../support/oauth-world.ts';
import {
  type AttackWorld,
  call,
  expectPlainError,
  jsonRpcResult,
  resourceMetadata,
  startAttackWorld,
  unauthorized,
} from './support/attack-world.ts';

let world: AttackWorld;

beforeEach(async () => {
  world = await startAttackWorld();
});
afterEach(async () => world.close());

const METADATA = 'GET /.well-known/oauth-protected-resource/mcp';

describe('an MCP server whose metadata names another resource', () => {
  it.each<[string, (own: string) => string]>([
    ['another server', () => 'https://payroll.example/mcp'],
    ['another port of its host', () => 'http://127.0.0.1:1/mcp'],
    ['a path that begins with its own', (own) => `${own}-admin`],
    ['a path below its own', (own) => `${own}/admin`],
    ['its own URL with a user name', (own) => own.replace('http://', 'http://payroll.example@')],
    ['its own URL with a line break', (own) => `${own}\n`],
    ['an empty string', () => ''],
  ])('gets no access token: %s', async (_what, resource) => {
    world.mcp.route(METADATA, { body: resourceMetadata(resource(world.resource), [world.as.issuer]) });
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'resource_mismatch', leg: 'discover', contact: 'server-owner' }, world);
    expect(world.idp.script.count('exchange')).toBe(0);
    expect(world.mcp.received('POST /mcp')).toEqual([]);
  });
});

describe('a token response for another resource', () => {
  it('from the IdP is refused, and its ID-JAG is not sent to the authorization server', async () => {
    world.idp.script.always('exchange', otherResource('https://payroll.example/mcp'));
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'resource_mismatch', leg: 'exchange', contact: 'idp-admin' }, world);
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it('from the authorization server is refused, and its access token is not used', async () => {
    world.as.script.always('redeem', otherResource('https://payroll.example/mcp'));
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'resource_mismatch', leg: 'redeem', contact: 'server-owner' }, world);
    expect(world.mcp.received('POST /mcp')).toEqual([]);
  });
});

/** A fetch function for hosts that do not exist. Responds by the table, else with 404, and records each request. */
function internet(table: Readonly<Record<string, () => Response>>) {
  const requests: { url: string; headers: Headers; body: string }[] = [];
  return {
    requests,
    fetch: async (input: string | URL | Request, init: RequestInit = {}) => {
      const url = input instanceof Request ? input.url : String(input);
      requests.push({
        url,
        headers: new Headers(init.headers),
        body: init.body instanceof URLSearchParams ? init.body.toString() : '',
      });
      return table[url]?.() ?? new Response('nothing here', { status: 404 });
    },
  };
}

describe('a peer on the internet cannot make the bot send a request', () => {
  const FORBIDDEN_URLS = [
    'http://127.0.0.1:8080/token',
    'https://127.0.0.1/token',
    'https://localhost/token',
    'https://vault.localhost/token',
    'https://[::1]/token',
    'https://[::ffff:127.0.0.1]/token',
    'https://2130706433/token',
    'https://0x7f.1/token',
    'https://0.0.0.0/token',
    'https://10.0.0.5/token',
    'https://172.16.9.9/token',
    'https://192.168.1.1/token',
    'https://100.64.0.1/token',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00::1]/token',
    'https://[fe80::1]/token',
    'https://[::ffff:10.0.0.5]/token',
    'https://metadata.google.internal/token',
    'http://as.example/token',
    'https://user:pass@as.example/token',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'ftp://as.example/token',
    '//as.example/token',
  ];
  const URL_OF_SERVER = 'https://mcp.example/mcp';
  const pinned = { url: URL_OF_SERVER, resource: URL_OF_SERVER, issuer: 'https://as.example' };
  const discovering = { url: URL_OF_SERVER, issuer: 'discover' };

  async function refusedWith(server: Partial<McpServerOptions>, table: Readonly<Record<string, () => Response>>) {
    const network = internet(table);
    const bot = world.bot({
      idp: { issuer: 'https://idp.example' },
      server,
      principal: { fetch: network.fetch, retry: { retries: 0 } },
    });
    const error = await refusalOf(bot.token('mcp'));
    // The request for the subject token runs in parallel, and the IdP is not an attacker.
    const others = network.requests.filter(({ url }) => url !== 'https://idp.example/token');
    for (const { url, headers, body } of others) {
      expect(url).toMatch(/^https:\/\/(?:as|idp|mcp)\.example\//u);
      expect(headers.has('authorization')).toBe(false);
      expect(body).not.toMatch(/assertion|secret|subject_token/u);
    }
    return error;
  }

  const idp = () => Response.json({ issuer: 'https://idp.example', token_endpoint: 'https://idp.example/token' });

  it.each(FORBIDDEN_URLS)("to %s by the token_endpoint in the authorization server's metadata", async (target) => {
    const error = await refusedWith(pinned, {
      'https://as.example/.well-known/oauth-authorization-server': () =>
        Response.json({ issuer: 'https://as.example', token_endpoint: target }),
    });
    expect(error.code).toMatch(/^(?:forbidden_url|invalid_response)$/u);
    expect(error).toMatchObject({ leg: 'discover', contact: 'server-owner' });
    expect(error.summary).not.toContain('user:pass');
  });

  it.each(FORBIDDEN_URLS)("to %s by the token_endpoint in the IdP's metadata", async (target) => {
    const error = await refusedWith(pinned, {
      'https://as.example/.well-known/oauth-authorization-server': () =>
        Response.json({ issuer: 'https://as.example', token_endpoint: 'https://as.example/token' }),
      'https://idp.example/.well-known/oauth-authorization-server': () =>
        Response.json({ issuer: 'https://idp.example', token_endpoint: target }),
    });
    expect(error.code).toMatch(/^(?:forbidden_url|invalid_response)$/u);
    expect(error).toMatchObject({ leg: 'discover', contact: 'idp-admin' });
  });

  it.each(FORBIDDEN_URLS)('to %s by the metadata URL in a challenge', async (target) => {
    const error = await refusedWith(discovering, {
      'https://idp.example/.well-known/oauth-authorization-server': idp,
      'https://mcp.example/mcp': () =>
        new Response(null, { status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${target}"` } }),
    });
    expect(error).toMatchObject({ code: 'metadata_not_found', leg: 'discover', contact: 'server-owner' });
  });

  it.each(FORBIDDEN_URLS)("to %s by the authorization server in the MCP server's metadata", async (target) => {
    const error = await refusedWith(discovering, {
      'https://idp.example/.well-known/oauth-authorization-server': idp,
      'https://mcp.example/.well-known/oauth-protected-resource/mcp': () =>
        Response.json(resourceMetadata('https://mcp.example/mcp', [target])),
    });
    expect(error).toMatchObject({ leg: 'discover' });
  });
});

describe('a challenge that points elsewhere', () => {
  /** Requests to the MCP server at `/team/guest/mcp`, which writes its own challenges, on the origin of the MCP server at `/team`. */
  async function guest(pointer: string, document: Record<string, unknown> | undefined, at = '/team/guest/meta') {
    const { mcp, as } = world;
    const url = `${mcp.origin}/team/guest/mcp`;
    as.protect(`${mcp.origin}/team`);
    as.protect(url);
    if (document) mcp.route(at, { body: document });
    mcp.route('POST /team/guest/mcp', (request) =>
      request.headers.authorization === undefined
        ? unauthorized(`Bearer resource_metadata="${pointer}"`)
        : jsonRpcResult(),
    );
    const answer = await call(world.bot({ server: { url } }));
    expect(answer.status).toBe(200);
    return world.as.script.received('redeem').map(({ form }) => form['resource']);
  }

  const own = () => `${world.mcp.origin}/team/guest/mcp`;
  const claim = (resource: string) => resourceMetadata(resource, [world.as.issuer]);

  it.each<[string, () => string, () => string]>([
    ['another origin and claims the parent', () => `${world.trap.origin}/about`, () => `${world.mcp.origin}/team`],
    ['another origin and claims the server itself', () => `${world.trap.origin}/about`, own],
    [
      'its own host by another name',
      () => `${world.mcp.origin.replace('127.0.0.1', 'localhost')}/team/guest/meta`,
      own,
    ],
    ['its own host with a user name', () => `${world.mcp.origin.replace('//', '//u@')}/team/guest/meta`, own],
    ['its own host with https', () => `${world.mcp.origin.replace('http:', 'https:')}/team/guest/meta`, own],
    [
      'its own origin and claims the parent',
      () => `${world.mcp.origin}/team/guest/meta`,
      () => `${world.mcp.origin}/team`,
    ],
    ['its own origin and claims the origin', () => `${world.mcp.origin}/team/guest/meta`, () => world.mcp.origin],
    [
      'its own origin and claims the parent in other letters',
      () => `${world.mcp.origin}/team/guest/meta`,
      () => `${world.mcp.origin}/team/guest/%2e%2e`,
    ],
    [
      'its own origin and claims a sibling',
      () => `${world.mcp.origin}/team/guest/meta`,
      () => `${world.mcp.origin}/team/admin`,
    ],
  ])('to %s does not change for what the token is', async (_what, pointer, resource) => {
    world.trap.route('/about', { body: claim(resource()) });
    const resources = await guest(pointer(), claim(resource()));
    expect(resources).toEqual([own()]);
    expect(world.trap.requests).toEqual([]);
    expect(world.events.filter(({ type }) => type === 'warning').map((event) => JSON.stringify(event))).toContainEqual(
      expect.stringContaining('is ignored'),
    );
  });

  it('by a redirect does not change for what the token is', async () => {
    const pointer = `${world.mcp.origin}/team/guest/moved`;
    world.mcp.route('/team/guest/moved', { status: 302, headers: { location: `${world.trap.origin}/about` } });
    expect(await guest(pointer, undefined)).toEqual([own()]);
    expect(world.trap.requests).toEqual([]);
  });

  it('on its own origin is used if the document names the server itself', async () => {
    const pointer = `${world.mcp.origin}/team/guest/meta`;
    expect(await guest(pointer, claim(own()))).toEqual([own()]);
    expect(world.events.filter(({ type }) => type === 'warning')).toEqual([]);
  });
});
