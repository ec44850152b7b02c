import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { TOKEN_TYPE_ID_JAG } from '@credence/protocol';
import { UnsecuredJWT } from 'jose';
import { clientSecret } from '../credentials/client-secret.ts';
import { isCredenceError } from '../errors/credence-error.ts';
import type { CredenceEvent, FailureEvent } from '../runtime/events.ts';
import { fromIdToken } from '../subjects/from-id-token.ts';
import { ownToken } from '../subjects/own-token.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import type { AuditRecord } from '../telemetry/audit-record.ts';
import { auditTrail } from '../telemetry/audit-trail.ts';
import { ServicePrincipal } from './service-principal.ts';

const IDP = 'https://idp.example';
const AS = 'https://as.example';
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

type Answer = { readonly error: string; readonly status?: number; readonly retryAfter?: string } | Response | undefined;

interface Policy {
  /** The OAuth error for a request, or undefined if it succeeds. */
  authenticate: (secret: string) => Answer;
  exchange: (server: string, secret: string) => Answer;
  redeem: (server: string, secret: string) => Answer;
  /** The response to a request for metadata. Called only with the option `discovers`. */
  metadata: (url: string) => Response;
}

const found = (url: string) => {
  const issuer = new URL(url).origin;
  return Response.json({ issuer, token_endpoint: `${issuer}/token` });
};
const page = (status: number) =>
  new Response('<html><title>Blocked</title></html>', { status, headers: { 'content-type': 'text/html' } });

const servers = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** An IdP, an authorization server and a bot on a clock that the test moves. Tokens live for ten minutes. */
function world(
  options: {
    count?: number;
    subject?: SubjectTokenSource;
    secret?: string | { file: string };
    asSecret?: string;
    /** Whether the token endpoints are discovered. */
    discovers?: boolean;
  } = {},
) {
  const names = servers(options.count ?? 10);
  let nowMs = 1_795_000_000_000;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const ok = () => undefined;
  const policy: Policy = { authenticate: ok, exchange: ok, redeem: ok, metadata: found };
  const requests: { leg: keyof Policy; server: string; atMs: number }[] = [];
  const refuse = (answer: NonNullable<Answer>) =>
    answer instanceof Response
      ? answer
      : Response.json(
          { error: answer.error, error_description: 'ask the administrator' },
          {
            status: answer.status ?? 400,
            headers: answer.retryAfter === undefined ? {} : { 'retry-after': answer.retryAfter },
          },
        );
  const fetch = async (input: string | URL | Request, init: RequestInit = {}) => {
    const request = new Request(input, init);
    const { url } = request;
    const form = new URLSearchParams(await request.text());
    const basic = request.headers.get('authorization') ?? '';
    const secret = Buffer.from(basic.slice(6), 'base64').toString().split(':')[1] ?? '';
    const server = new URL(form.get('resource') ?? 'https://none.example').hostname.split('.')[0] ?? '';
    if (url === `${IDP}/token` && form.get('grant_type') === 'client_credentials') {
      requests.push({ leg: 'authenticate', server: '', atMs: nowMs });
      const answer = policy.authenticate(secret);
      return answer
        ? refuse(answer)
        : Response.json({ access_token: 'subject', token_type: 'Bearer', expires_in: 600 });
    }
    if (url === `${IDP}/token`) {
      requests.push({ leg: 'exchange', server, atMs: nowMs });
      const answer = policy.exchange(server, secret);
      if (answer) return refuse(answer);
      const idJag = new UnsecuredJWT({ client_id: 'bot-at-as', resource: form.get('resource'), jti: 'j' })
        .setIssuer(IDP)
        .setSubject('bot')
        .setAudience(AS)
        .setIssuedAt(nowMs / 1_000)
        .setExpirationTime(nowMs / 1_000 + 5)
        .encode()
        .split('.');
      const header = Buffer.from('{"alg":"ES256","typ":"oauth-id-jag+jwt"}').toString('base64url');
      return Response.json({
        access_token: `${header}.${idJag[1]}.c2ln`,
        issued_token_type: TOKEN_TYPE_ID_JAG,
        token_type: 'N_A',
        expires_in: 5,
      });
    }
    if (url === `${AS}/token`) {
      requests.push({ leg: 'redeem', server, atMs: nowMs });
      const answer = policy.redeem(server, secret);
      return answer
        ? refuse(answer)
        : Response.json({ access_token: `token-${server}-${nowMs}`, token_type: 'Bearer', expires_in: 600 });
    }
    if (url.includes('/.well-known/')) {
      requests.push({ leg: 'metadata', server: new URL(url).hostname, atMs: nowMs });
      return policy.metadata(url);
    }
    return new Response(null, { status: 202 });
  };
  const events: CredenceEvent[] = [];
  const records: AuditRecord[] = [];
  const bot = new ServicePrincipal({
    idp: {
      issuer: IDP,
      ...(!options.discovers && { tokenEndpoint: `${IDP}/token` }),
      credential: clientSecret({ clientId: 'bot', secret: options.secret ?? 'idp-secret' }),
      ...(options.subject && { subject: options.subject }),
    },
    servers: Object.fromEntries(
      names.map((name) => [
        name,
        {
          url: `https://${name}.example/mcp`,
          resource: `https://${name}.example/mcp`,
          issuer: AS,
          ...(!options.discovers && { tokenEndpoint: `${AS}/token` }),
          // Each server has a credential object of its own.
          credential: clientSecret({ clientId: 'bot-at-as', secret: options.asSecret ?? 'as-secret' }),
        },
      ]),
    ),
    clock,
    fetch,
    retry: { retries: 0 },
    onEvent: [(event) => events.push(event), auditTrail((record) => records.push(record))],
  });
  cleanups.push(() => bot.close());
  const failed = new Map<string, number>();
  /** Every server gets a call in each step. */
  const run = async (durationMs: number, stepMs = 10 * SECOND_MS) => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
      const outcomes = await Promise.allSettled(names.map((name) => bot.token(name)));
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') continue;
        if (!isCredenceError(outcome.reason)) throw outcome.reason;
        const name = names[index] ?? '';
        failed.set(name, (failed.get(name) ?? 0) + 1);
      }
      nowMs += stepMs;
    }
  };
  const sent = (leg: keyof Policy, server?: string) =>
    requests.filter((request) => request.leg === leg && (server === undefined || request.server === server)).length;
  const refused = () => events.filter((event): event is FailureEvent => event.type === 'refused');
  return { bot, run, policy, requests, sent, failed, events, records, refused, names };
}

describe('a refusal of the client', () => {
  const cases: readonly [string, 'authenticate' | 'exchange' | 'redeem', string, { subject?: SubjectTokenSource }][] = [
    ['a wrong key at the IdP', 'authenticate', 'invalid_client', {}],
    ['a disabled principal at the IdP', 'authenticate', 'unauthorized_client', {}],
    ['a wrong key at the IdP, with an ID token', 'exchange', 'invalid_client', { subject: fromIdToken(() => 'id') }],
    ['the exchange not allowed', 'exchange', 'unauthorized_client', { subject: fromIdToken(() => 'id') }],
    ['the exchange not offered', 'exchange', 'unsupported_grant_type', {}],
    ['a wrong secret at the authorization server', 'redeem', 'invalid_client', {}],
  ];

  it.each(cases)(
    '(%s) costs few requests in ten seconds and in an hour, whatever the number of servers',
    async (_name, leg, error, options) => {
      const { run, policy, sent, failed, refused, records, names } = world(options);
      policy[leg] = () => ({ error, status: 401 });
      await run(10 * SECOND_MS, SECOND_MS);
      // The ten servers may ask at the same time once, before the first refusal.
      const atFirst = sent(leg);
      expect(atFirst).toBeLessThanOrEqual(14);
      await run(HOUR_MS - 10 * SECOND_MS);
      expect(sent(leg)).toBeGreaterThan(atFirst + 10);
      expect(sent(leg)).toBeLessThanOrEqual(35);
      // No other request is sent to prepare one that would not be sent.
      expect(sent('authenticate') + sent('exchange')).toBeLessThanOrEqual(75);
      expect([...failed.values()]).toEqual(names.map(() => 10 + 359));
      // Each request that was refused is reported once.
      expect(refused()).toHaveLength(sent(leg));
      expect(records.filter(({ outcome }) => outcome === 'refused')).toHaveLength(sent(leg));
      expect(refused().at(-1)?.failedCalls).toBeGreaterThan(300);
    },
    60_000,
  );

  it('ends for all servers within five minutes after the person has acted', async () => {
    const { run, policy, failed } = world();
    policy.authenticate = () => ({ error: 'invalid_client', status: 401 });
    await run(1_800 * SECOND_MS);
    policy.authenticate = () => undefined;
    failed.clear();
    await run(310 * SECOND_MS);
    failed.clear();
    await run(60 * SECOND_MS);
    expect(failed.size).toBe(0);
  }, 60_000);

  it('ends at once after diagnose has succeeded for one server', async () => {
    const { run, policy, failed, bot, sent } = world();
    policy.authenticate = () => ({ error: 'invalid_client', status: 401 });
    await run(1_800 * SECOND_MS);
    const before = sent('authenticate');
    await bot.diagnose('s3');
    expect(sent('authenticate')).toBe(before + 1);
    policy.authenticate = () => undefined;
    await bot.diagnose('s3');
    failed.clear();
    await run(SECOND_MS * 2, SECOND_MS);
    expect(failed.size).toBe(0);
  }, 60_000);

  it('ends within two seconds after the file with the secret was changed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'credence-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'secret');
    writeFileSync(file, 'old');
    const { run, policy, failed, sent } = world({ secret: { file } });
    policy.authenticate = (secret) => (secret === 'new' ? undefined : { error: 'invalid_client', status: 401 });
    await run(1_800 * SECOND_MS);
    const before = sent('authenticate');
    writeFileSync(file, 'new');
    failed.clear();
    await run(4 * SECOND_MS, SECOND_MS);
    for (const calls of failed.values()) expect(calls).toBeLessThanOrEqual(2);
    expect(sent('authenticate')).toBe(before + 1);
  }, 60_000);

  it('does not pause a client with another secret at the same issuer', async () => {
    const { run, policy, failed } = world({ count: 2 });
    policy.redeem = (server) => (server === 's0' ? { error: 'unauthorized_client' } : undefined);
    await run(HOUR_MS);
    expect(failed.get('s0')).toBe(360);
    // The other server is refused for a second at most, until its success shows that the refusal concerns the first one alone.
    expect(failed.get('s1') ?? 0).toBeLessThanOrEqual(2);
  }, 60_000);
});

describe('a refusal of the sign-in, which is the same for all servers', () => {
  const cases: readonly [string, () => Answer, string][] = [
    ['access_denied', () => ({ error: 'access_denied', status: 403 }), 'access_denied'],
    ['a disabled principal', () => ({ error: 'invalid_grant' }), 'invalid_grant'],
    ['a request that is malformed', () => ({ error: 'invalid_request' }), 'invalid_request'],
    ['a code of a vendor', () => ({ error: 'account_locked' }), 'oauth_error'],
    ['a malformed code with 401', () => ({ error: 'Invalid client credentials', status: 401 }), 'invalid_client'],
    ['an unknown scope', () => ({ error: 'invalid_scope' }), 'invalid_scope'],
    ['a firewall that answers 403', () => page(403), 'invalid_response'],
    ['a captive portal that answers 200', () => page(200), 'invalid_response'],
    ['JSON without a token', () => Response.json({}), 'invalid_response'],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: '/login' } }), 'redirect_refused'],
    ['a missing endpoint', () => page(404), 'invalid_response'],
  ];

  it.each(cases)(
    '(%s) costs few sign-ins in a minute and in an hour, and each is reported once',
    async (_name, answer, code) => {
      const { run, policy, sent, failed, refused, records, names, bot } = world();
      policy.authenticate = answer;
      await run(60 * SECOND_MS, SECOND_MS);
      expect(sent('authenticate')).toBeGreaterThanOrEqual(5);
      expect(sent('authenticate')).toBeLessThanOrEqual(8);
      await run(HOUR_MS - 60 * SECOND_MS, 20 * SECOND_MS);
      expect(sent('authenticate')).toBeGreaterThan(15);
      expect(sent('authenticate')).toBeLessThanOrEqual(26);
      expect(sent('exchange') + sent('redeem')).toBe(0);
      expect([...failed.values()]).toEqual(names.map(() => 60 + 177));
      expect(refused()).toHaveLength(sent('authenticate'));
      expect(records.filter(({ outcome }) => outcome === 'refused')).toHaveLength(sent('authenticate'));
      expect(refused()[0]).not.toHaveProperty('failedCalls');
      expect(refused().at(-1)).toMatchObject({ code, leg: 'authenticate', refusedSinceMs: 1_795_000_000_000 });
      expect(refused().at(-1)?.failedCalls).toBeGreaterThan(150);
      await expect(bot.token('s7')).rejects.toMatchObject({ code, server: 's7' });
      expect(bot.status().servers['s7']?.pausedUntil?.getTime()).toBeGreaterThan(1_795_000_000_000 + HOUR_MS);
    },
    60_000,
  );

  it('ends for all servers as soon as diagnose has succeeded for one', async () => {
    const { run, policy, failed, bot } = world();
    policy.authenticate = () => ({ error: 'access_denied' });
    await run(1_800 * SECOND_MS);
    policy.authenticate = () => undefined;
    await bot.diagnose('s3');
    failed.clear();
    await run(2 * SECOND_MS, SECOND_MS);
    expect(failed.size).toBe(0);
    expect(bot.status().servers['s7']?.pausedUntil).toBeUndefined();
  }, 60_000);

  it('of an id_token that the response does not contain is one too', async () => {
    const { run, sent } = world({ subject: ownToken({ field: 'id_token' }) });
    await run(60 * SECOND_MS, SECOND_MS);
    expect(sent('authenticate')).toBeLessThanOrEqual(8);
  });
});

describe('metadata that only a person can correct', () => {
  const cases: readonly [string, string, () => Response, string][] = [
    ['a misspelt issuer of the IdP', IDP, () => page(404), 'metadata_not_found'],
    ['a misspelt issuer of the authorization server', AS, () => page(404), 'metadata_not_found'],
    ['another issuer in the metadata', IDP, () => found('https://other.example/x'), 'issuer_mismatch'],
    ['another issuer in the metadata', AS, () => found('https://other.example/x'), 'issuer_mismatch'],
    ['a captive portal', IDP, () => page(200), 'metadata_not_found'],
    ['a firewall', AS, () => page(403), 'metadata_not_found'],
  ];

  it.each(cases)(
    '(%s, %s) costs few requests in an hour, for all servers together',
    async (_name, issuer, answer, code) => {
      const { run, policy, sent, failed, refused, names, bot } = world({ discovers: true });
      policy.metadata = (url) => (url.startsWith(issuer) ? answer() : found(url));
      await run(60 * SECOND_MS, SECOND_MS);
      await run(HOUR_MS - 60 * SECOND_MS, 20 * SECOND_MS);
      // Two well-known paths each time, and the metadata of the other issuer.
      expect(sent('metadata')).toBeGreaterThan(15);
      expect(sent('metadata')).toBeLessThanOrEqual(2 * 26 + 4);
      expect(sent('redeem')).toBe(0);
      expect([...failed.values()]).toEqual(names.map(() => 60 + 177));
      expect(refused().length).toBeLessThanOrEqual(26);
      expect(refused().at(-1)).toMatchObject({ code, contact: 'you', refusedSinceMs: 1_795_000_000_000 });
      expect(refused().at(-1)?.failedCalls).toBeGreaterThan(150);
      await expect(bot.token('s7')).rejects.toMatchObject({ code, server: 's7' });
      expect(bot.status().servers['s7']?.pausedUntil).toBeDefined();
      // The person corrects it, and diagnose finds it: every server gets a token at once.
      policy.metadata = found;
      expect((await bot.diagnose('s3')).granted).toBeDefined();
      failed.clear();
      await run(3 * SECOND_MS, SECOND_MS);
      expect(failed.size).toBe(0);
    },
    60_000,
  );

  it('is requested again within five minutes after the person has acted', async () => {
    const { run, policy, failed } = world({ discovers: true });
    policy.metadata = () => page(404);
    await run(1_800 * SECOND_MS);
    policy.metadata = found;
    await run(310 * SECOND_MS);
    failed.clear();
    await run(60 * SECOND_MS);
    expect(failed.size).toBe(0);
  }, 60_000);
});

describe('a refusal for one server', () => {
  it.each(['access_denied', 'invalid_target', 'invalid_scope', 'invalid_grant', 'invalid_request', 'out_of_office'])(
    '(%s) costs few requests in an hour, and no call of another server',
    async (error) => {
      const { run, policy, sent, failed, refused, records } = world({ count: 3 });
      policy.exchange = (server) => (server === 's1' ? { error } : undefined);
      await run(HOUR_MS);
      expect(sent('exchange', 's1')).toBeGreaterThan(10);
      expect(sent('exchange', 's1')).toBeLessThanOrEqual(70);
      expect(Object.fromEntries(failed)).toEqual({ s1: 360 });
      // One record for each request, with the time of the first refusal and the calls since then.
      expect(refused().length).toBeLessThanOrEqual(35);
      expect(refused()[0]).not.toHaveProperty('failedCalls');
      expect(refused().at(-1)).toMatchObject({ server: 's1', refusedSinceMs: 1_795_000_000_000 });
      const record = records.filter(({ outcome }) => outcome === 'refused').at(-1);
      expect(record).toMatchObject({ server: 's1', since: new Date(1_795_000_000_000).toISOString() });
      expect(record?.failedCalls).toBeGreaterThan(300);
    },
    60_000,
  );

  it.each<[string, 'exchange' | 'redeem', () => Answer]>([
    ['a firewall at the IdP', 'exchange', () => page(403)],
    ['a captive portal at the authorization server', 'redeem', () => page(200)],
    ['a token of another type', 'redeem', () => Response.json({ access_token: 'a-token-123', token_type: 'mac' })],
  ])(
    '(%s) costs few requests in an hour',
    async (_name, leg, answer) => {
      const { run, policy, sent, refused } = world({ count: 1 });
      policy[leg] = answer;
      await run(HOUR_MS, 5 * SECOND_MS);
      expect(sent(leg)).toBeGreaterThan(10);
      expect(sent(leg)).toBeLessThanOrEqual(30);
      expect(refused()).toHaveLength(sent(leg));
    },
    60_000,
  );

  it('is not one for its other scopes, but other scopes do not ask either while the configured ones are refused', async () => {
    const { bot, policy, sent } = world({ count: 1 });
    policy.exchange = () => ({ error: 'access_denied' });
    await expect(bot.token('s0')).rejects.toMatchObject({ code: 'access_denied' });
    for (const scope of ['a', 'b', 'c']) {
      await expect(bot.token('s0', { scopes: [scope] })).rejects.toMatchObject({ code: 'access_denied' });
    }
    expect(sent('exchange')).toBe(1);
  });

  it('for scopes of a caller does not refuse the configured ones', async () => {
    const { bot, policy } = world({ count: 1 });
    policy.exchange = () => ({ error: 'access_denied' });
    await expect(bot.token('s0', { scopes: ['admin'] })).rejects.toMatchObject({ code: 'access_denied' });
    policy.exchange = () => undefined;
    await expect(bot.token('s0')).resolves.toMatchObject({ server: 's0' });
  });

  it('pauses for a second again after a success', async () => {
    const { run, policy, sent, bot } = world({ count: 1 });
    policy.exchange = () => ({ error: 'access_denied' });
    await run(1_800 * SECOND_MS);
    policy.exchange = () => undefined;
    await run(310 * SECOND_MS);
    bot.invalidate(await bot.token('s0'));
    policy.exchange = () => ({ error: 'access_denied' });
    const before = sent('exchange');
    await run(16 * SECOND_MS, SECOND_MS);
    expect(sent('exchange') - before).toBeGreaterThanOrEqual(4);
  });
});

describe('a peer that is away or busy', () => {
  it('is asked once a second, and after the time in Retry-After', async () => {
    const { run, policy, sent } = world({ count: 1 });
    policy.exchange = () => ({ error: 'temporarily_unavailable', status: 503 });
    await run(60 * SECOND_MS, SECOND_MS);
    expect(sent('exchange')).toBeGreaterThanOrEqual(55);
    const before = sent('exchange');
    policy.exchange = () => ({ error: 'busy', status: 429, retryAfter: '120' });
    await run(241 * SECOND_MS, SECOND_MS);
    expect(sent('exchange') - before).toBeLessThanOrEqual(4);
  });
});

describe('a principal that is closed during an acquisition', () => {
  it('reports no refusal', async () => {
    const { bot, policy, refused, records } = world({ count: 2 });
    const calls = [bot.token('s0'), bot.token('s1')];
    policy.authenticate = () => ({ error: 'access_denied' });
    const outcomes = Promise.allSettled(calls);
    await bot.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'closed' } });
    expect(refused()).toEqual([]);
    expect(records.filter(({ outcome }) => outcome === 'refused')).toEqual([]);
  });
});
