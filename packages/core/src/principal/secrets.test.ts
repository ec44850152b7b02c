import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type PeerRequest, startPeer } from '../../../../test/support/peer.ts';
import { type Bot, RESOURCE, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { VENDOR_ANSWERS } from '../../test-support/vendor-answers.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { privateKeyJwt } from '../credentials/private-key-jwt.ts';
import { isCredenceError } from '../errors/credence-error.ts';
import { generateDpopKeyPair } from '../dpop/dpop-keys.ts';
import { fromIdToken } from '../subjects/from-id-token.ts';
import { ownToken } from '../subjects/own-token.ts';
import { memoryStore } from '../store/memory-store.ts';

const SECRET_FORM_FIELDS = ['client_secret', 'client_assertion', 'assertion', 'subject_token', 'actor_token'];

/** The secrets in the requests. No output may contain one of them. */
function secretsIn(requests: readonly PeerRequest[]): string[] {
  return requests.flatMap(({ form, headers, basic }) => [
    ...SECRET_FORM_FIELDS.map((field) => form[field]).filter((value) => value !== undefined),
    ...(headers.authorization === undefined ? [] : [headers.authorization.split(' ')[1] ?? '']),
    ...(typeof headers['dpop'] === 'string' ? [headers['dpop']] : []),
    ...(basic ? [basic.secret, encodeURIComponent(basic.secret)] : []),
  ]);
}

/** The text of a value, printed in every way that Node offers. */
function printed(value: unknown): string {
  const error = value instanceof Error ? `${value.stack}${String(value)}${inspect(value.cause)}` : '';
  return [
    inspect(value, { showHidden: true, depth: 12, getters: false, maxStringLength: null, maxArrayLength: null }),
    inspect(value),
    JSON.stringify(value),
    String(value),
    error,
  ].join('\n');
}

let running: Bot | undefined;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await running?.close();
  running = undefined;
  for (const close of closers.splice(0)) await close();
});

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...pair.privateKey.export({ format: 'jwk' }), kid: 'k1' };
const publicJwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' };

describe('nothing that is printed contains a secret', () => {
  it.each(['a shared secret', 'a private key'])(
    'in a run with %s with successful calls, refusals and diagnoses',
    async (how) => {
      const server = await startPeer({
        'POST /mcp': [
          { body: { jsonrpc: '2.0', id: 1, result: {} } },
          // The server echoes the token of the request.
          (request) => ({
            status: 403,
            headers: {
              'www-authenticate': `Bearer error="invalid_request", error_description="you sent ${request.headers.authorization}"`,
            },
          }),
          { status: 401 },
          { status: 401 },
          { body: {} },
        ],
      });
      closers.push(async () => server.close());
      const own = how === 'a private key';
      const idpSecret = 'idp/S3cret+with%odd:signs';
      const credential = own
        ? privateKeyJwt({ clientId: 'bot-at-idp', key: jwk })
        : clientSecret({ clientId: 'bot-at-idp', secret: idpSecret });
      const subject = ownToken({ scope: 'x' });
      const store = memoryStore();
      running = await startBot({
        world: {
          idpClient: own
            ? { clientId: 'bot-at-idp', keys: [publicJwk] }
            : { clientId: 'bot-at-idp', secret: idpSecret },
        },
        idp: { credential, subject },
        server: { url: `${server.origin}/mcp`, resource: RESOURCE, scopes: ['tools:read'], stepUp: ['tools:write'] },
        principal: { store },
      });
      const { bot, world, events } = running;
      const send = bot.fetchFor('mcp');
      const call = async () => send(`${server.origin}/mcp`, { method: 'POST', body: '{}' });

      const token = await bot.token('mcp');
      await call();
      const errors: unknown[] = [await refusalOf(call)];
      errors.push(await refusalOf(call));
      errors.push(await refusalOf(send('http://127.0.0.1:9/elsewhere', { method: 'POST', body: '{}' })));
      expect(errors.map((error) => (isCredenceError(error) ? error.code : error))).toEqual([
        'forbidden',
        'token_refused',
        'cross_origin_refused',
      ]);
      const diagnosis = await bot.diagnose('mcp');
      // The IdP and the authorization server echo the request.
      const echo = (request: PeerRequest) => ({
        status: 400,
        body: {
          error: 'invalid_grant',
          error_description: `${request.body} ${request.headers.authorization} ${request.basic?.secret} ${request.form['subject_token']} ${request.form['assertion']} ${request.form['client_assertion']}`,
        },
      });
      world.idp.script.always('exchange', (_honest, request) => echo(request));
      errors.push(await refusalOf(bot.token('mcp', { scopes: ['tools:write'] })));
      world.idp.script.reset();
      world.as.script.always('redeem', (_honest, request) => echo(request));
      errors.push(await refusalOf(bot.token('mcp', { scopes: ['tools:read', 'tools:write'] })));
      const failing = await bot.diagnose('mcp');

      const secrets = new Set([
        ...secretsIn([
          ...world.idp.script.received('authenticate'),
          ...world.idp.script.received('exchange'),
          ...world.as.script.received('redeem'),
          ...server.requests,
        ]),
        ...world.idp.issued,
        ...world.as.issued,
        ...(own ? [jwk.d ?? ''] : [idpSecret]),
        world.asClient.secret ?? '',
      ]);
      secrets.delete('');
      expect(secrets.size).toBeGreaterThan(8);

      const visible = [token, [token], bot, send, credential, subject, store, diagnosis, failing, ...errors, ...events];
      const text = visible.map(printed).join('\n') + diagnosis.toString() + failing.toString();
      expect(text).toContain('[redacted]');
      for (const secret of secrets) {
        expect(text.includes(secret) ? `contains ${secret}` : 'no secret').toBe('no secret');
      }
    },
  );

  it('in a run with DPoP-bound tokens', async () => {
    const dpop = await generateDpopKeyPair();
    running = await startBot({ server: { dpop } });
    const { bot, world, events } = running;
    const error = await refusalOf(bot.token('mcp'));
    const secrets = secretsIn(world.idp.script.received('exchange'));
    expect(secrets.some((secret) => secret.startsWith('eyJ'))).toBe(true);
    const text = [bot, error, ...events].map(printed).join('\n');
    for (const secret of [...secrets, ...world.idp.issued]) expect(text).not.toContain(secret);
  });

  it('if a getter throws an error that contains its token', async () => {
    const throwing = fromIdToken(() => {
      throw new Error('the token eyJ-S3CRET-TOKEN is no good');
    });
    running = await startBot({
      idp: { subject: throwing },
      principal: {
        onEvent: () => {
          throw new Error('listener');
        },
      },
    });
    const error = await refusalOf(running.bot.token('mcp'));
    expect(printed(error) + printed(throwing)).not.toContain('S3CRET');
  });

  it('in the recorded answers of vendors', () => {
    expect(JSON.stringify(VENDOR_ANSWERS)).not.toMatch(/eyJ|BEGIN|secret-token:/u);
  });
});
