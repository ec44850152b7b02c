import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { stopTimeouts, whileTimePasses } from '../../../../test/support/faked-time.ts';
import { type Peer, type PeerRoute, silence, startPeer } from '../../../../test/support/peer.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import type { CredenceEvent, LegEvent, WarningEvent } from '../runtime/events.ts';
import { memoryStore } from '../store/memory-store.ts';
import { ServicePrincipal } from './service-principal.ts';

const peers: Peer[] = [];
afterEach(async () => {
  jest.useRealTimers();
  for (const peer of peers.splice(0)) await peer.close();
});

interface Options {
  readonly revoke?: PeerRoute;
  readonly revocationEndpoint?: (origin: string) => string | undefined;
  readonly revokeOnClose?: boolean;
}

async function world(options: Options = {}) {
  const { revoke = { body: '' }, revocationEndpoint = (origin) => `${origin}/revoke`, revokeOnClose = true } = options;
  let issued = 0;
  const peer = await startPeer({
    'POST /token': () => {
      issued += 1;
      return { body: { access_token: `t-${issued}`, token_type: 'Bearer', expires_in: 600 } };
    },
    'POST /revoke': revoke,
  });
  peers.push(peer);
  const { origin } = peer;
  const metadata = {
    issuer: origin,
    token_endpoint: `${origin}/token`,
    revocation_endpoint: revocationEndpoint(origin),
  };
  peer.route('GET /.well-known/oauth-authorization-server', { body: metadata });
  const events: CredenceEvent[] = [];
  const bot = new ServicePrincipal({
    servers: {
      mcp: {
        url: `${origin}/mcp`,
        resource: `${origin}/mcp`,
        issuer: origin,
        credential: clientSecret({ clientId: 'bot', secret: 's3cret' }),
        flow: 'client-credentials',
      },
    },
    revokeOnClose,
    onEvent: (event) => events.push(event),
  });
  const revoked = () => peer.received('POST /revoke').map(({ form }) => form['token']);
  const warnings = () => events.filter((event): event is WarningEvent => event.type === 'warning');
  return { bot, peer, events, revoked, warnings };
}

describe('close with revokeOnClose', () => {
  it('revokes every cached token with the client authentication of token requests', async () => {
    const { bot, peer, events, revoked, warnings } = await world();
    await bot.token('mcp');
    await bot.token('mcp', { scopes: ['read'] });
    await Promise.all([bot.close(), bot.close()]);
    expect(new Set(revoked())).toEqual(new Set(['t-1', 't-2']));
    expect(revoked()).toHaveLength(2);
    expect(peer.received('POST /revoke')[0]).toMatchObject({
      basic: { id: 'bot', secret: 's3cret' },
      form: { token_type_hint: 'access_token' },
    });
    const legs = events.filter((event): event is LegEvent => event.type === 'leg' && event.operation === 'revocation');
    expect(legs).toMatchObject([
      { ok: true, status: 200, leg: 'redeem' },
      { ok: true, status: 200, leg: 'redeem' },
    ]);
    expect(warnings()).toEqual([]);
  });

  it('does not revoke a token that the server has refused', async () => {
    const { bot, revoked } = await world();
    bot.invalidate(await bot.token('mcp'));
    await bot.close();
    expect(revoked()).toEqual([]);
  });

  it.each([
    ['without a revocation_endpoint in the metadata', { revocationEndpoint: () => undefined }],
    ['by default', { revokeOnClose: false }],
  ])('revokes nothing %s', async (_when, options) => {
    const { bot, revoked, warnings } = await world(options);
    await bot.token('mcp');
    await bot.close();
    expect({ revoked: revoked(), warnings: warnings() }).toEqual({ revoked: [], warnings: [] });
  });

  it.each([
    ['answers 503', { revoke: { status: 503, body: 'later' } }, 'answered 503'],
    ['refuses', { revoke: { status: 400, body: { error: 'unsupported_token_type' } } }, 'answered 400'],
    ['names an endpoint at a private address', { revocationEndpoint: () => 'https://10.0.0.1/revoke' }, 'private'],
    ['names something that is no URL', { revocationEndpoint: () => 'revoke' }, 'revocation_endpoint'],
  ])('emits one warning if the authorization server %s', async (_what, options, words) => {
    const { bot, warnings } = await world(options);
    await bot.token('mcp');
    await bot.token('mcp', { scopes: ['read'] });
    await bot.close();
    expect(warnings()).toMatchObject([{ code: 'revocation_failed', server: 'mcp' }]);
    expect(warnings()[0]?.message).toContain('2 tokens');
    expect(warnings()[0]?.remedy).toContain(words);
  });

  it('waits at most five seconds for an authorization server that does not answer', async () => {
    const { bot, peer, warnings } = await world({ revoke: silence() });
    await bot.token('mcp');
    stopTimeouts();
    await whileTimePasses(bot.close(), () => peer.received('POST /revoke').length === 1);
    expect(warnings()).toMatchObject([{ code: 'revocation_failed' }]);
  });
});

it('revokeOnClose is refused together with a store, because other processes use its tokens', () => {
  const options = {
    servers: {
      mcp: {
        url: 'https://mcp.example/mcp',
        issuer: 'https://as.example',
        credential: clientSecret({ clientId: 'bot', secret: 's' }),
        flow: 'client-credentials' as const,
      },
    },
    store: memoryStore(),
  };
  expect(() => new ServicePrincipal({ ...options, revokeOnClose: true })).toThrow('revokeOnClose');
  expect(() => new ServicePrincipal({ ...options, revokeOnClose: false })).not.toThrow();
});
