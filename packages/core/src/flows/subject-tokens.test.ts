import { afterEach, describe, expect, it } from '@jest/globals';
import { say } from '../../../../test/support/oauth-world.ts';
import { hosts } from '../../test-support/hosts.ts';
import { type Bot, startBot } from '../../test-support/bot.ts';
import { never, refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { idpSettings } from '../../test-support/settings.ts';
import { Directory } from '../discovery/directory.ts';
import { fromIdToken } from '../subjects/from-id-token.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';
import { ownToken } from '../subjects/own-token.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import { SubjectTokens } from './subject-tokens.ts';

const started: Bot[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

describe('subject tokens', () => {
  const ISSUER = 'https://acme.okta.com';
  const TARGET = { issuer: ISSUER, tokenEndpoint: async () => `${ISSUER}/token` };
  function startWith(expiresIn: unknown) {
    let issued = 0;
    const network = hosts({
      [`${ISSUER}/.well-known/oauth-authorization-server`]: { issuer: ISSUER, token_endpoint: `${ISSUER}/token` },
      [`${ISSUER}/token`]: () => {
        issued += 1;
        return Response.json({ access_token: `own-${issued}`, token_type: 'Bearer', expires_in: expiresIn });
      },
    });
    let nowMs = 0;
    const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
    const runtime = testRuntime({ fetch: network.fetch, clock });
    const tokens = new SubjectTokens(runtime, idpSettings({ issuer: ISSUER }), new Directory(runtime));
    const get = async (source: SubjectTokenSource = ownToken(), target = TARGET) => tokens.get(source, target, never);
    return { tokens, get, runtime, advanceClock: (ms: number) => void (nowMs += ms), issued: () => issued };
  }

  it('are requested once and cached until shortly before they expire', async () => {
    const { get, advanceClock, issued } = startWith(600);
    expect(await Promise.all([get(), get()])).toEqual([
      { value: 'own-1', reused: false },
      { value: 'own-1', reused: false },
    ]);
    advanceClock(569_000);
    expect(await get()).toEqual({ value: 'own-1', reused: true });
    advanceClock(2_000);
    expect(await get()).toEqual({ value: 'own-2', reused: false });
    expect(issued()).toBe(2);
  });

  it.each([[undefined], ['abc'], [0], [-1]])('are requested each time if expires_in is %p', async (expiresIn) => {
    const { get, issued } = startWith(expiresIn);
    await get();
    await get();
    expect(issued()).toBe(2);
  });

  it('are cached separately for each source', async () => {
    const { get } = startWith(600);
    expect((await get()).value).toBe('own-1');
    expect((await get(ownToken({ scope: 'x' }))).value).toBe('own-2');
    expect((await get()).value).toBe('own-1');
  });

  it.each([{}, { identity: 'ci-job' }])(
    'are not mixed up between two getters that are called concurrently (%j)',
    async (options) => {
      const { get } = startWith(600);
      const sources = ['for-a', 'for-b'].map((token) => fromWorkloadToken(async () => token, options));
      const both = await Promise.all(sources.map(async (source) => get(source)));
      expect(both.map(({ value }) => value)).toEqual(['for-a', 'for-b']);
    },
  );

  it('are dropped only if they are equal to the refused token', async () => {
    const { get, tokens, issued } = startWith(600);
    await get();
    await tokens.drop(ownToken(), TARGET, 'another');
    expect((await get()).value).toBe('own-1');
    await tokens.drop(ownToken(), TARGET, 'own-1');
    expect((await get()).value).toBe('own-2');
    expect(issued()).toBe(2);
  });

  it('are reported in one event each, by the token request or by the call of the getter', async () => {
    const { get, runtime } = startWith(600);
    await get();
    await get(fromIdToken(() => 'x'));
    await refusalOf(get(fromIdToken(() => '')));
    expect(runtime.events.slice(1)).toMatchObject([
      { leg: 'authenticate', operation: 'client-credentials', ok: true },
      { leg: 'authenticate', operation: 'subject-token', ok: true },
      { leg: 'authenticate', operation: 'subject-token', ok: false, code: 'credential_unavailable' },
    ]);
  });

  it('of ownToken() need an IdP', async () => {
    const runtime = testRuntime();
    const tokens = new SubjectTokens(runtime, undefined, new Directory(runtime));
    expect(await refusalOf(tokens.get(ownToken(), TARGET, never))).toMatchObject({
      code: 'invalid_configuration',
      leg: 'configure',
      contact: 'you',
    });
  });

  it('cause a remedy with the name of the credential if the IdP refuses the client', async () => {
    const running = await startBot();
    started.push(running);
    const { bot, world } = running;
    world.idp.script.always('authenticate', say({ status: 401, body: { error: 'invalid_client' } }));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_client', leg: 'authenticate', contact: 'you' });
    expect(error.remedy).toContain('idp.credential');
  });
});
