import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startScriptedIdp } from '../../../../test/support/oauth-world.ts';
import { type Bot, type BotOptions, startBot } from '../../test-support/bot.ts';
import { never, refusalOf } from '../../test-support/runtime.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { fromIdToken } from './from-id-token.ts';
import { ownToken, type OwnTokenOptions } from './own-token.ts';
import { fromRefreshToken } from './from-refresh-token.ts';
import type { SubjectContext } from './subject.ts';
import { fromWorkloadToken } from './from-workload-token.ts';

const context: SubjectContext = {
  signal: never,
  target: { issuer: 'https://idp.example', tokenEndpoint: async () => 'https://idp.example/token' },
  nowMs: () => Date.now(),
  clientCredentials: () => Promise.reject(new Error('clientCredentials is not expected here')),
};

describe('ownToken with a token that is exchanged for it', () => {
  it('gives the token and its type to the token request, and is another source than one without', async () => {
    const requests: unknown[] = [];
    const from = fromWorkloadToken(() => 'the-platform-token', { identity: 'job' });
    const source = ownToken({ from, scope: 'api' });
    const token = await source.get({
      ...context,
      clientCredentials: async (request) => {
        requests.push(request);
        return { token: 'own', expiresInSeconds: 60 };
      },
    });
    expect(token.token).toBe('own');
    expect(requests).toEqual([
      expect.objectContaining({
        exchanged: { token: 'the-platform-token', type: 'urn:ietf:params:oauth:token-type:jwt' },
        parameters: expect.objectContaining({ scope: 'api' }),
      }),
    ]);
    expect(source.identity).not.toBe(ownToken({ scope: 'api' }).identity);
    expect(source.identity).not.toContain('the-platform-token');
  });

  it('fails as the source of the exchanged token does', async () => {
    const from = fromWorkloadToken(() => '');
    expect(await refusalOf(ownToken({ from }).get(context))).toMatchObject({ code: 'credential_unavailable' });
  });
});

describe('a source with a getter of the application', () => {
  it.each([
    ['fromIdToken', fromIdToken, 'urn:ietf:params:oauth:token-type:id_token'],
    ['fromRefreshToken', fromRefreshToken, 'urn:ietf:params:oauth:token-type:refresh_token'],
    ['fromWorkloadToken', fromWorkloadToken, 'urn:ietf:params:oauth:token-type:jwt'],
  ] as const)('made by %s has its token type and calls the getter each time', async (kind, make, type) => {
    let count = 0;
    const source = make(() => ` token-${(count += 1)}\n`, { identity: 'alice' });
    expect(source).toMatchObject({ kind, type, identity: 'alice' });
    expect(await source.get(context)).toEqual({ token: 'token-1' });
    expect(await source.get(context)).toEqual({ token: 'token-2' });
  });

  it('made by fromWorkloadToken can have another token type', () => {
    expect(fromWorkloadToken(() => 'x', { type: 'urn:x' }).type).toBe('urn:x');
  });

  it.each<[string, () => string | Promise<string>]>([
    [
      'throws',
      () => {
        throw new Error('vault said s3cret-in-message');
      },
    ],
    ['rejects', () => Promise.reject(new Error('vault said s3cret-in-message'))],
    ['returns an empty string', () => ''],
    ['returns a number', () => 7 as never],
  ])('throws credential_unavailable if the getter %s', async (_what, getter) => {
    const error = await refusalOf(fromIdToken(getter).get(context));
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(error.message).toContain('fromIdToken(getter)');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret');
  });

  it('throws credential_unavailable at the deadline if the getter never resolves', async () => {
    const deadline = new AbortController();
    const got = fromIdToken(async () => new Promise<string>(() => undefined)).get({
      ...context,
      signal: deadline.signal,
    });
    deadline.abort(
      new CredenceError({ code: 'timeout', leg: 'redeem', message: 'm', remedy: 'r', contact: 'server-owner' }),
    );
    expect(await refusalOf(got)).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
  });

  it('throws closed if the principal is closed while the getter runs', async () => {
    const closing = new AbortController();
    const got = fromIdToken(async () => new Promise<string>(() => undefined)).get({
      ...context,
      signal: closing.signal,
    });
    closing.abort(new CredenceError({ code: 'closed', leg: 'configure', message: 'm', remedy: 'r', contact: 'you' }));
    expect(await refusalOf(got)).toMatchObject({ code: 'closed' });
  });

  it('throws invalid_configuration for a string in place of a getter', async () => {
    expect(await refusalOf(() => fromIdToken('eyJ' as never))).toMatchObject({ code: 'invalid_configuration' });
  });
});

const started: Bot[] = [];
async function start(options?: BotOptions): Promise<Bot> {
  const bot = await startBot(options);
  started.push(bot);
  return bot;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

describe('ownToken', () => {
  it('sends scope, resource, audience and parameters if they are set', async () => {
    const { bot, world } = await start({
      idp: {
        subject: ownToken({ scope: 'openid', resource: 'https://a', audience: 'api://b', parameters: { p: '1' } }),
      },
    });
    await bot.token('mcp');
    expect(world.idp.script.received('authenticate')[0]?.form).toEqual({
      grant_type: 'client_credentials',
      scope: 'openid',
      resource: 'https://a',
      audience: 'api://b',
      p: '1',
    });
  });

  it('uses another field of the response as subject token with another type, and does not verify that token', async () => {
    const running = await start({
      idp: {
        subject: ownToken({ scope: 'openid', field: 'id_token', type: 'urn:ietf:params:oauth:token-type:id_token' }),
      },
    });
    const { bot, world } = running;
    world.idp.script.always('authenticate', async (honest) => {
      const answer = await honest();
      return { ...answer, body: { ...answer.body, id_token: await world.idp.idToken({ audience: 'bot-at-idp' }) } };
    });
    await bot.token('mcp');
    const form = world.idp.script.received('exchange')[0]?.form;
    expect(form?.['subject_token_type']).toBe('urn:ietf:params:oauth:token-type:id_token');
    expect(form?.['subject_token']).toMatch(/^eyJ/u);
  });

  it('throws an error with the name of the field if the response has no such field', async () => {
    const { bot } = await start({ idp: { subject: ownToken({ field: 'id_token' }) } });
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_response', leg: 'authenticate', contact: 'idp-admin' });
    expect(error.message).toContain('"id_token"');
    expect(error.remedy).toContain('openid');
  });

  it('requests the token at another issuer by another client, and sends each credential to its own issuer only', async () => {
    const other = await startScriptedIdp({
      clients: [{ clientId: 'other', secret: 'other-secret' }],
      policy: () => [],
    });
    try {
      const credential = clientSecret({ clientId: 'other', secret: 'other-secret' });
      const { bot, world } = await start({ idp: { subject: ownToken({ issuer: other.issuer, credential }) } });
      // The IdP refuses the token, because it does not know the other issuer.
      expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_grant', leg: 'exchange' });
      expect(other.script.received('authenticate')[0]?.basic).toEqual({ id: 'other', secret: 'other-secret' });
      expect(world.idp.script.count('authenticate')).toBe(0);
      expect(world.idp.script.received('exchange')[0]?.basic?.id).toBe('bot-at-idp');
    } finally {
      await other.close();
    }
  });

  it('requests the token at the IdP by another client', async () => {
    const credential = clientSecret({ clientId: 'second', secret: 'second-secret' });
    const { bot, world } = await start({ idp: { subject: ownToken({ credential }) } });
    world.idp.clients.register({ clientId: 'second', secret: 'second-secret' });
    await refusalOf(bot.token('mcp'));
    expect(world.idp.script.received('authenticate')[0]?.basic?.id).toBe('second');
    expect(world.idp.script.received('exchange')[0]?.basic?.id).toBe('bot-at-idp');
  });

  it('throws invalid_configuration for an issuer without a credential', async () => {
    const error = await refusalOf(() => ownToken({ issuer: 'https://other.example' }));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain('credential');
  });

  it.each(['scope', 'resource', 'audience', 'grant_type'])('refuses the parameter %s, which has an option', (name) => {
    const make = () => ownToken({ parameters: { tenant: 't', [name]: 'x' } });
    const option = name === 'grant_type' ? 'Credence sets it' : `set ownToken({ ${name} }) instead`;
    expect(make).toThrow(`contains "${name}"`);
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_configuration', contact: 'you' }));
    expect(make).toThrow(expect.objectContaining({ remedy: expect.stringContaining(option) }));
  });

  it.each<[OwnTokenOptions, OwnTokenOptions, boolean]>([
    [{}, {}, true],
    [{ parameters: { a: '1', b: '2' } }, { parameters: { b: '2', a: '1' } }, true],
    [{ scope: 'a' }, { scope: 'b' }, false],
    [{ resource: 'a' }, { audience: 'a' }, false],
    [{ field: 'id_token' }, {}, false],
    [{ credential: clientSecret({ clientId: 'x', secret: 's' }) }, {}, false],
  ])('with the options %p has the same identity as with %p: %p', (one, other, same) => {
    expect(ownToken(one).identity === ownToken(other).identity).toBe(same);
  });
});
