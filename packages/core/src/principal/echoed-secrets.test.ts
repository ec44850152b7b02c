import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { PeerRequest } from '../../../../test/support/peer.ts';
import { type Bot, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { privateKeyJwt } from '../credentials/private-key-jwt.ts';
import { generateDpopKeyPair } from '../dpop/dpop-keys.ts';
import { fromRefreshToken } from '../subjects/from-refresh-token.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';

let running: Bot | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const SECRET = 'S3cr+t/of the%bot:é';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...pair.privateKey.export({ format: 'jwk' }), kid: 'k1' };
const publicKey = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' };

const base64 = (text: string) => Buffer.from(text).toString('base64');
const SPELLINGS: readonly (readonly [string, (secret: string) => string])[] = [
  ['as they are', (secret) => secret],
  ['percent-encoded', encodeURIComponent],
  ['percent-encoded twice', (secret) => encodeURIComponent(encodeURIComponent(secret))],
  ['form-encoded', (secret) => new URLSearchParams({ '': secret }).toString().slice(1)],
  ['in base64', base64],
  ['in base64url', (secret) => Buffer.from(secret).toString('base64url')],
  ['as a Basic header', (secret) => `Basic ${base64(`bot-at-as:${secret}`)}`],
  ['as a JSON string', (secret) => JSON.stringify(secret).replaceAll('/', '\\/')],
  ['escaped for HTML', (secret) => secret.replaceAll('/', '&#x2F;').replaceAll('+', '&#43;')],
  ['in hexadecimal digits', (secret) => Buffer.from(secret).toString('hex')],
  ['with line breaks inside', (secret) => Array.from(secret).join('\r\n')],
  ['with zero-width characters inside', (secret) => Array.from(secret).join('\u200b')],
];

/** The secrets that a token request contains. */
function secretsOf({ form, headers, basic }: PeerRequest): readonly string[] {
  const names = ['client_secret', 'client_assertion', 'assertion', 'subject_token', 'actor_token', 'api_key'];
  const values = [...names.map((name) => form[name]), basic?.secret, headers['dpop']];
  return values.filter((value) => typeof value === 'string');
}

/** The parts of a secret in each encoding that may not appear in any output. */
function traces(secret: string): readonly string[] {
  const encoded = [0, 1, 2].map((before) => base64('x'.repeat(before) + secret).slice(4));
  const spellings = [secret, encodeURIComponent(secret), ...encoded, Buffer.from(secret).toString('hex')];
  return spellings.flatMap((spelling) => [spelling.slice(0, 12), spelling.slice(-12, -2)]);
}

describe.each(SPELLINGS)('secrets that a peer echoes %s', (_how, spell) => {
  it.each(['authenticate and exchange', 'redeem'] as const)('at %s are printed nowhere', async (legs) => {
    running = await startBot({
      world: {
        idpClient: { clientId: 'bot-at-idp', keys: [publicKey] },
        asClient: { clientId: 'bot-at-as', secret: SECRET },
      },
      idp: {
        credential: privateKeyJwt({ clientId: 'bot-at-idp', key }),
        actor: fromWorkloadToken(() => 'actor/token+of~the workload'),
        parameters: { api_key: 'k3y/of+the tenant' },
      },
      server: {
        credential: clientSecret({ clientId: 'bot-at-as', secret: SECRET }),
        // This IdP binds no ID-JAG to a key, so a request with a proof ends at the exchange.
        ...(legs !== 'redeem' && { dpop: await generateDpopKeyPair() }),
      },
    });
    const { bot, world, events } = running;
    const sent: string[] = [];
    const echo = (request: PeerRequest) => {
      sent.push(...secretsOf(request));
      // The text is longer than the limit, so that a secret stands at its end.
      const text = secretsOf(request)
        .map((secret) => `${'x'.repeat(100)} ${spell(secret)}`)
        .join(', ');
      return { status: 400, body: { error: 'invalid_request', error_description: text } };
    };
    if (legs === 'redeem') {
      world.idp.script.always('exchange', async (honest) => honest());
      world.as.script.always('redeem', (_honest, request) => echo(request));
    } else {
      world.idp.script.always('exchange', (_honest, request) => echo(request));
    }
    const error = await refusalOf(bot.token('mcp'));
    const diagnosis = await bot.diagnose('mcp');
    const visible = [error, error.stack, error.toJSON(), diagnosis, diagnosis.toString(), ...events];
    const text = visible
      .map((value) => inspect(value, { depth: 9, showHidden: true, maxStringLength: null }))
      .join('\n');
    expect(error.errorDescription).toContain('[redacted]');
    expect(sent.length).toBeGreaterThan(1);
    for (const secret of sent) for (const trace of traces(secret)) expect(text).not.toContain(trace);
  });
});

it('a refresh token that a peer echoes in an error code or a scope is printed nowhere', async () => {
  const refreshToken = 'rt/0123456789+abcdef';
  running = await startBot({ idp: { subject: fromRefreshToken(() => refreshToken) } });
  const { bot, world, events } = running;
  world.idp.script.always('exchange', () => ({ status: 400, body: { error: `x:${base64(refreshToken)}` } }));
  const error = await refusalOf(bot.token('mcp'));
  expect(error.code).toBe('oauth_error');
  expect(error).not.toHaveProperty('error');
  expect(inspect([error, events], { depth: 9 })).not.toContain(base64(refreshToken).slice(0, 12));
});
