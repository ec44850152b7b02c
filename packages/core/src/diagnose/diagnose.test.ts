import { afterEach, describe, expect, it } from '@jest/globals';
import { refusal, say, serverError } from '../../../../test/support/oauth-world.ts';
import { mcpAnswer } from '../../../../test/support/mcp-answer.ts';
import { type Peer, type PeerAnswer, type PeerRoute, silence, startPeer } from '../../../../test/support/peer.ts';
import { type Bot, type BotOptions, countedBetween, startBot } from '../../test-support/bot.ts';
import { clientSecret } from '../credentials/client-secret.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Starts a bot and an MCP server that publishes metadata and answers each POST with `mcp`. */
async function start(
  mcp: PeerRoute = mcpAnswer(),
  options: BotOptions & { readonly wellKnown?: string } = {},
): Promise<Bot & { server: Peer; resource: string }> {
  const server = await startPeer({ 'POST /mcp': mcp });
  closers.push(async () => server.close());
  const resource = `${server.origin}/mcp`;
  const bot = await startBot({
    ...options,
    world: { as: { resources: [resource] } },
    pinResource: false,
    server: { url: resource, ...options.server },
  });
  closers.push(async () => bot.close());
  const wellKnown = options.wellKnown ?? '/.well-known/oauth-protected-resource/mcp';
  server.route(wellKnown, { body: { resource, authorization_servers: [bot.world.as.issuer] } });
  return { ...bot, server, resource };
}

describe('a diagnosis', () => {
  it('runs every leg and reports the granted scopes', async () => {
    const { bot, world, resource } = await start(undefined, { server: { scopes: ['tools:read'] } });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({
      server: 'mcp',
      url: resource,
      flow: 'enterprise-managed',
      ok: true,
      warnings: [],
      granted: { scopes: ['tools:read'], missingScopes: [], resource },
    });
    expect(diagnosis.leg ?? diagnosis.remedy ?? diagnosis.contact ?? diagnosis.error).toBeUndefined();
    const requests = diagnosis.steps.map(({ leg, operation }) => `${leg} ${operation}`);
    expect(new Set(requests)).toEqual(
      new Set([
        'discover protected-resource-metadata',
        'discover authorization-server-metadata',
        'discover idp-metadata',
        'authenticate client-credentials',
        'exchange token-exchange',
        'redeem jwt-bearer',
        'call request',
      ]),
    );
    expect(diagnosis.steps.every(({ outcome }) => outcome === 'ok')).toBe(true);
    const text = String(diagnosis);
    for (const word of ['exchange', 'redeem', world.as.tokenEndpoint, 'accepts this bot']) expect(text).toContain(word);
    expect(text).not.toContain('FAIL');
  });

  it('reports a well-known path that does not exist as passed over', async () => {
    const { bot } = await start(undefined, { wellKnown: '/.well-known/oauth-protected-resource' });
    const { steps, ok } = await bot.diagnose('mcp');
    expect(ok).toBe(true);
    const found = steps.filter(({ operation }) => operation === 'protected-resource-metadata');
    expect(found.map(({ outcome, status }) => [outcome, status])).toEqual([
      ['passed over', 404],
      ['ok', 200],
    ]);
  });

  it.each([
    ['authenticate', 'you', (bot: Bot) => bot.world.idp.clients.remove('bot-at-idp')],
    ['exchange', 'idp-admin', (bot: Bot) => bot.world.idp.script.always('exchange', refusal('access_denied', 'no'))],
    ['redeem', 'you', (bot: Bot) => bot.world.as.clients.remove('bot-at-as')],
    ['redeem', 'server-owner', (bot: Bot) => bot.world.as.script.always('redeem', refusal('invalid_grant', 'no'))],
    ['redeem', 'server-owner', (bot: Bot) => bot.world.as.script.always('redeem', refusal('access_denied'))],
    ['discover', 'idp-admin', (bot: Bot) => bot.world.idp.script.always('metadata', serverError(503))],
  ] as const)('that fails at %s reports that leg, a remedy and the contact %s', async (leg, contact, breakPeer) => {
    const running = await start();
    breakPeer(running);
    const diagnosis = await running.bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, leg, contact });
    expect(diagnosis.granted).toBeUndefined();
    expect(diagnosis.remedy).toBe(diagnosis.error?.remedy);
    expect(diagnosis.steps.at(-1)).toMatchObject({ leg, outcome: 'failed' });
    const text = diagnosis.toString();
    expect(text).toContain(`FAIL ${leg}`);
    expect(text).toContain('What to do: ');
    const names = {
      you: 'in your own configuration',
      'idp-admin': "identity provider's administrator",
      'server-owner': "MCP server's owner",
    };
    expect(text).toContain('Whom to ask: ');
    expect(text).toContain(names[contact]);
    expect(running.server.received('POST /mcp')).toEqual([]);
  });

  it('reports FAIL for a leg whose responses were all successful but contain a wrong value', async () => {
    const credential = clientSecret({ clientId: 'not-the-one-of-the-grant', secret: 's' });
    const { bot } = await start(undefined, { server: { credential } });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, leg: 'exchange', error: { code: 'invalid_id_jag' } });
    expect(diagnosis.steps.every(({ outcome }) => outcome === 'ok')).toBe(true);
    expect(diagnosis.toString()).toContain('FAIL exchange');
  });

  it('reports the error code for a step without an OAuth error', async () => {
    const { bot, world } = await start();
    world.idp.script.always('metadata', serverError(503));
    const diagnosis = await bot.diagnose('mcp');
    const code = diagnosis.error?.code;
    expect(diagnosis.steps.at(-1)).toMatchObject({ leg: 'discover', outcome: 'failed', code });
    expect(diagnosis.toString()).toMatch(new RegExp(`FAIL discover .*HTTP 503, ${code}, `, 'u'));
  });

  it('contains the error description of the peer quoted on a line of its own, not in the message', async () => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', refusal('access_denied', 'ask Bob\nINFO forged'));
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis.message).not.toContain('Bob');
    expect(diagnosis.toString()).toContain('Error description: "ask Bob INFO forged"');
  });

  it.each([
    [{ status: 401 }, 'token_refused'],
    [{ status: 403 }, 'forbidden'],
    [
      { status: 403, headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="admin"' } },
      'insufficient_scope',
    ],
  ])('reports a refusal of the token by the server: %p', async (answer, code) => {
    const { bot } = await start(answer);
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, leg: 'call' });
    expect(diagnosis.error?.code).toBe(code);
    expect(diagnosis.granted?.scopes).toEqual(['tools:read', 'tools:write']);
  });

  it('does not step up after a 403 challenge for which a call would step up', async () => {
    const { bot, world } = await start(
      { status: 403, headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="tools:write"' } },
      { server: { scopes: ['tools:read'], stepUp: ['tools:write'] } },
    );
    const { ok, granted, warnings } = await bot.diagnose('mcp');
    expect({ ok, scopes: granted?.scopes }).toEqual({ ok: true, scopes: ['tools:read'] });
    expect(warnings).toMatchObject([{ leg: 'call', remedy: expect.stringContaining('servers.mcp.scopes') }]);
    expect(world.idp.script.count('exchange')).toBe(1);
  });

  it('reports a warning for a configured scope that was not granted', async () => {
    const { bot, world } = await start(undefined, { server: { scopes: ['tools:read', 'tools:write'] } });
    world.idp.setPolicy(() => ['tools:read']);
    const { warnings, granted, ok } = await bot.diagnose('mcp');
    expect(ok).toBe(true);
    expect(granted?.missingScopes).toEqual(['tools:write']);
    expect(warnings).toMatchObject([{ leg: 'exchange', message: expect.stringContaining('"tools:write"') }]);
  });

  it('reports the difference of the clocks', async () => {
    const { bot, world } = await start();
    const ahead = new Date(Date.now() + 3_600_000).toUTCString();
    world.idp.script.always('authenticate', say({ status: 400, headers: { date: ahead }, body: { error: 'x' } }));
    const diagnosis = await bot.diagnose('mcp');
    const skew = diagnosis.steps.at(-1)?.clockSkewSeconds ?? 0;
    expect(Math.abs(skew - 3_600)).toBeLessThan(10);
    expect(diagnosis.toString()).toMatch(/3\d{3} s ahead of ours/u);
  });

  it('neither uses nor changes the tokens and metadata that are cached for callers, and emits no event', async () => {
    const { bot, events, counts } = await start();
    const token = await bot.token('mcp');
    const eventCount = events.length;
    const before = counts();
    await bot.diagnose('mcp');
    expect(countedBetween(before, counts())).toEqual({
      idpMetadata: 1,
      authenticate: 1,
      exchange: 1,
      asMetadata: 1,
      redeem: 1,
    });
    expect(events).toHaveLength(eventCount);
    expect(await bot.token('mcp')).toBe(token);
  });

  it('can be converted to JSON and has no enumerable function', async () => {
    const { bot } = await start();
    const diagnosis = await bot.diagnose('mcp');
    const copy = JSON.parse(JSON.stringify(diagnosis)) as Record<string, unknown>;
    expect(copy).toMatchObject({ ok: true, server: 'mcp' });
    expect(Object.keys(diagnosis)).not.toContain('toString');
  });

  it('of another flow reports that flow and sends no request to the IdP', async () => {
    const { bot, counts } = await start(undefined, { server: { flow: 'client-credentials' } });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: true, flow: 'client-credentials' });
    expect(counts()).toMatchObject({ idpMetadata: 0, authenticate: 0, exchange: 0 });
  });

  it('shows in each step what the peer said, its status, the cause code and how long it asks to wait', async () => {
    const { bot, world } = await start();
    const problem = { type: 'about:blank', title: 'Paused', detail: 'tenant acme\u0000 is paused until Monday' };
    const headers = { 'content-type': 'application/problem+json', 'retry-after': '3600' };
    world.idp.script.always('exchange', say({ status: 429, headers, body: problem }));
    const diagnosis = await bot.diagnose('mcp');
    const text = String(diagnosis);
    expect(diagnosis.steps.at(-1)).toMatchObject({ leg: 'exchange', status: 429, retryAfterSeconds: 3_600 });
    expect(text).toMatch(/FAIL exchange .*HTTP 429, rate_limited, it asks to wait 3600 s/u);

    world.idp.script.always('exchange', refusal('access_denied', 'ask Bob\nINFO forged'));
    const refused = await bot.diagnose('mcp');
    expect(refused.steps.at(-1)).toMatchObject({
      status: 400,
      error: 'access_denied',
      peerText: 'ask Bob INFO forged',
    });
    expect(String(refused)).toContain('the peer said: "ask Bob INFO forged"');
  });

  it.each<[string, PeerAnswer, string]>([
    [
      'problem+json',
      {
        status: 503,
        headers: { 'content-type': 'application/problem+json' },
        body: JSON.stringify({ title: 'Paused', detail: 'until Monday' }),
      },
      'Paused: until Monday',
    ],
    [
      'a JSON-RPC error',
      { body: { jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'database is down' } } },
      'database is down',
    ],
    [
      'the title of a page',
      { headers: { 'content-type': 'text/html' }, body: '<html><title>Sign in to Acme</title>' },
      'Sign in to Acme',
    ],
    ['text', { status: 500, body: 'upstream connect error' }, 'upstream connect error'],
  ])('shows what the MCP server said: %s', async (_what, answer, said) => {
    const { bot } = await start(answer);
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis.steps.at(-1)).toMatchObject({ leg: 'call', outcome: 'failed', peerText: said });
    expect(diagnosis.error?.peerText).toBe(said);
    expect(String(diagnosis)).toContain(`the peer said: "${said}"`);
    expect(`${diagnosis.message} ${diagnosis.remedy} ${diagnosis.error?.summary}`).not.toContain(said);
  });

  it.each([401, 403])('shows the description of a challenge with the status %d', async (status) => {
    const challenge = 'Bearer error="invalid_request", error_description="the audience is wrong"';
    const { bot } = await start({ status, headers: { 'www-authenticate': challenge } });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis.steps.at(-1)).toMatchObject({ leg: 'call', status, outcome: 'failed' });
    expect(String(diagnosis)).toContain('"the audience is wrong"');
  });

  it('removes the token from the text of the MCP server, and cuts the text', async () => {
    const { bot, world } = await start(({ headers }) => ({
      status: 500,
      body: `you sent ${headers.authorization} ${'x'.repeat(1_000)}`,
    }));
    const diagnosis = await bot.diagnose('mcp');
    const output = String(diagnosis) + JSON.stringify(diagnosis);
    expect(diagnosis.error?.peerText?.length).toBeLessThanOrEqual(300);
    for (const token of world.as.issued) expect(output).not.toContain(token);
  });

  it('rejects with "closed" when the principal is closed, and with the reason of its signal when that aborts', async () => {
    const { bot } = await start(silence());
    const [byClose, bySignal] = [bot.diagnose('mcp'), bot.diagnose('mcp', { signal: AbortSignal.timeout(50) })];
    await expect(bySignal).rejects.toMatchObject({ name: 'TimeoutError' });
    const ended = expect(byClose).rejects.toMatchObject({ code: 'closed' });
    await bot.close();
    await ended;
  });

  it('ends with a timeout if the server never answers', async () => {
    const { bot, resource } = await start(silence(), { principal: { timeout: { totalMs: 1_500 } } });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, leg: 'call', contact: 'server-owner', error: { code: 'timeout' } });
    expect(diagnosis.message).toContain(resource);
  });
});
