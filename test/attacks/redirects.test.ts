import * as v1 from '@credence/sdk-adapter';
import * as v2 from '@credence/sdk-adapter/v2';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refusalOf } from '../support/evidence.ts';
import { redirect } from '../support/oauth-world.ts';
import { type AttackWorld, call, expectPlainError, startAttackWorld } from './support/attack-world.ts';

let world: AttackWorld;

beforeEach(async () => {
  world = await startAttackWorld();
});
afterEach(async () => world.close());

const STATUSES = [301, 302, 303, 307, 308];

afterEach(() => expect(world.trap.requests).toEqual([]));

describe.each(STATUSES)('a redirect (%d) is not followed', (status) => {
  const redirectToTrap = () => redirect(`${world.trap.origin}/caught`, status);

  it("at the server's metadata", async () => {
    const answer = { status, headers: { location: `${world.trap.origin}/caught` } };
    world.mcp.route('GET /.well-known/oauth-protected-resource/mcp', answer);
    world.mcp.route('GET /.well-known/oauth-protected-resource', answer);
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'redirect_refused', leg: 'discover', contact: 'server-owner' }, world);
    expect(error.remedy).toContain('servers.mcp.url');
  });

  it("at the authorization server's metadata", async () => {
    world.as.script.always('metadata', redirectToTrap());
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'redirect_refused', leg: 'discover', contact: 'server-owner' }, world);
    expect(error.remedy).toContain('servers.mcp.issuer');
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it("at the IdP's metadata", async () => {
    world.idp.script.always('metadata', redirectToTrap());
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'redirect_refused', leg: 'discover', contact: 'idp-admin' }, world);
    expect(error.remedy).toContain('idp.issuer');
  });

  it.each(['authenticate', 'exchange'] as const)('at the token endpoint of the IdP: %s', async (leg) => {
    world.idp.script.always(leg, redirectToTrap());
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'redirect_refused', leg, contact: 'idp-admin' }, world);
    expect(world.idp.script.count(leg)).toBe(1);
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it('at the token endpoint of the authorization server', async () => {
    world.as.script.always('redeem', redirectToTrap());
    const error = await refusalOf(call(world.bot()));
    expectPlainError(error, { code: 'redirect_refused', leg: 'redeem', contact: 'server-owner' }, world);
    expect(world.as.script.count('redeem')).toBe(1);
  });

  it('to another origin at the MCP server, by fetchFor', async () => {
    world.mcp.route('POST /mcp', { status, headers: { location: `${world.trap.origin}/caught` } });
    expect((await call(world.bot())).status).toBe(status);
  });

  it.each([
    ['v1', v1.connectMcp],
    ['v2', v2.connectMcp],
  ] as const)('to another origin at the MCP server, by SDK %s', async (_sdk, connectMcp) => {
    world.mcp.route('POST /mcp', { status, headers: { location: `${world.trap.origin}/caught` } });
    const error = await refusalOf(connectMcp(world.bot(), 'mcp'));
    expectPlainError(error, { code: 'cross_origin_refused', leg: 'call', contact: 'server-owner' }, world);
  });
});

it.each([
  'http://',
  'javascript:alert(1)',
  '//',
  'data:text/html,x',
  '\\\\evil',
  `http://${'a'.repeat(300)}.example/%E2%80%AE`,
])('a Location of %p is not followed', async (location) => {
  world.mcp.route('POST /mcp', { status: 307, headers: { location } });
  const error = await refusalOf(v1.connectMcp(world.bot(), 'mcp'));
  expect(error.code).toMatch(/^(?:redirect_refused|cross_origin_refused)$/u);
  expect(error.message).toMatch(/^[\x20-\x7e…]{1,300}$/u);
  expect(world.mcp.requests.filter(({ path }) => path !== '/mcp' && !path.startsWith('/.well-known/'))).toEqual([]);
});

it('a redirect of the MCP endpoint to itself is refused after fewer than ten requests', async () => {
  world.mcp.route('POST /mcp', { status: 307, headers: { location: '/mcp' } });
  const error = await refusalOf(v1.connectMcp(world.bot(), 'mcp'));
  expectPlainError(error, { code: 'redirect_refused', leg: 'call', contact: 'server-owner' }, world);
  expect(world.mcp.received('POST /mcp').length).toBeLessThan(10);
});
