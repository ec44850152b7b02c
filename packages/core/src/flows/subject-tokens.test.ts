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
  function kept(expiresIn: unknown) {
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
    const get = async (source: SubjectTokenSource = ownToken()) => tokens.get(source, never);
    return { tokens, get, runtime, pass: (ms: number) => void (nowMs += ms), issued: () => issued };
  }

  it('are asked for once and kept until shortly before they end', async () => {
    const { get, pass, issued } = kept(600);
    expect(await Promise.all([get(), get()])).toEqual([
      { value: 'own-1', reused: false },
      { value: 'own-1', reused: false },
    ]);
    pass(569_000);
    expect(await get()).toEqual({ value: 'own-1', reused: true });
    pass(2_000);
    expect(await get()).toEqual({ value: 'own-2', reused: false });
    expect(issued()).toBe(2);
  });

  it.each([[undefined], ['abc'], [0], [-1]])(
    'are asked for each time where they live %p seconds',
    async (expiresIn) => {
      const { get, issued } = kept(expiresIn);
      await get();
      await get();
      expect(issued()).toBe(2);
    },
  );

  it('are kept apart by source', async () => {
    const { get } = kept(600);
    expect((await get()).value).toBe('own-1');
    expect((await get(ownToken({ scope: 'x' }))).value).toBe('own-2');
    expect((await get()).value).toBe('own-1');
  });

  it.each([{}, { identity: 'ci-job' }])(
    'are never those of another getter that is asked at the same time (%j)',
    async (options) => {
      const { get } = kept(600);
      const sources = ['for-a', 'for-b'].map((token) => fromWorkloadToken(async () => token, options));
      const both = await Promise.all(sources.map(async (source) => get(source)));
      expect(both.map(({ value }) => value)).toEqual(['for-a', 'for-b']);
    },
  );

  it('are dropped only as the very one that was refused', async () => {
    const { get, tokens, issued } = kept(600);
    await get();
    await tokens.drop(ownToken(), 'another');
    expect((await get()).value).toBe('own-1');
    await tokens.drop(ownToken(), 'own-1');
    expect((await get()).value).toBe('own-2');
    expect(issued()).toBe(2);
  });

  it('are reported: a request by its leg, a getter by its own', async () => {
    const { get, runtime } = kept(600);
    await get();
    await get(fromIdToken(() => 'x'));
    await refusalOf(get(fromIdToken(() => '')));
    expect(runtime.events.slice(1)).toMatchObject([
      { leg: 'authenticate', operation: 'client-credentials', ok: true },
      { leg: 'authenticate', operation: 'subject-token', ok: true },
      { leg: 'authenticate', operation: 'subject-token', ok: false, code: 'credential_unavailable' },
    ]);
  });

  it('of the principal itself need an IdP', async () => {
    const runtime = testRuntime();
    const tokens = new SubjectTokens(runtime, undefined, new Directory(runtime));
    expect(await refusalOf(tokens.get(ownToken(), never))).toMatchObject({
      code: 'invalid_configuration',
      leg: 'configure',
      contact: 'you',
    });
  });

  it('that are refused name the credential that was presented', async () => {
    const running = await startBot();
    started.push(running);
    const { bot, world } = running;
    world.idp.script.always('authenticate', say({ status: 401, body: { error: 'invalid_client' } }));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_client', leg: 'authenticate', contact: 'idp-admin' });
    expect(error.remedy).toContain('idp.credential');
  });
});
