import { CredenceError, ServicePrincipal } from '@credence/core';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import * as v1 from '@credence/sdk-adapter';
import * as v2 from '@credence/sdk-adapter/v2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DeadOrigin, holdDeadOrigin } from '../support/dead-origin.ts';
import { everythingShownBy, refusalOf } from '../support/evidence.ts';
import { CONDITIONS_ELSEWHERE, type Mistake, OWN_MISTAKES } from './support/mistakes.ts';

let sandbox: Sandbox;
let dead: DeadOrigin;

beforeAll(async () => {
  sandbox = await startSandbox();
  dead = await holdDeadOrigin();
});

afterAll(async () => {
  await Promise.all([sandbox.close(), dead.close()]);
});

function secretsOf(): readonly string[] {
  return Object.values(sandbox.principals).flatMap(({ privateKey, secretClient, servers }) => [
    privateKey.split('\n')[1] ?? privateKey,
    secretClient.clientSecret,
    ...Object.values(servers).map(({ clientSecret }) => clientSecret),
  ]);
}

function expectForThePersonOnCall(error: CredenceError, mistake: Mistake): void {
  const { code, leg, contact, remedy, message = [] } = mistake;
  expect(error).toBeInstanceOf(CredenceError);
  expect(error).toMatchObject({ code, leg, contact });
  for (const part of remedy) expect(error.remedy).toContain(part);
  for (const part of message) expect(error.message).toContain(part);
  for (const sentence of [error.message, error.remedy]) {
    expect(sentence).toMatch(/^[\x20-\x7e]+\.$/u);
    expect(sentence).not.toMatch(/undefined|\[object|null|<name>/u);
    if (error.errorDescription !== undefined) expect(sentence).not.toContain(error.errorDescription);
  }
}

async function whileSo<T>(mistake: Mistake, work: (bot: ServicePrincipal, server: string) => Promise<T>): Promise<T> {
  const undo = mistake.elsewhere?.(sandbox);
  const bot = new ServicePrincipal(mistake.options(sandbox, dead.origin));
  try {
    return await work(bot, mistake.server ?? 'issues');
  } finally {
    await bot.close();
    undo?.();
  }
}

/** What an agent does first: a token, and with it a request. */
async function ping(bot: ServicePrincipal, server: string): Promise<unknown> {
  return bot.fetchFor(server)(bot.server(server).url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  });
}

const ALL = [...OWN_MISTAKES, ...CONDITIONS_ELSEWHERE].map((mistake) => [mistake.what, mistake] as const);

describe('one error says leg, cause, remedy and contact when', () => {
  it.each(ALL)('%s', async (_what, mistake) => {
    const events: unknown[] = [];
    await whileSo(
      { ...mistake, options: (...args) => ({ ...mistake.options(...args), onEvent: (e) => events.push(e) }) },
      async (bot, server) => {
        const error = await refusalOf(ping(bot, server));
        expectForThePersonOnCall(error, mistake);
        const shown = everythingShownBy(error, events);
        for (const secret of secretsOf()) expect(shown).not.toContain(secret);

        const diagnosis = await bot.diagnose(server);
        expect(diagnosis).toMatchObject({
          ok: false,
          leg: error.leg,
          contact: error.contact,
          remedy: expect.any(String),
        });
        const withoutSeconds = (text = '') => text.replace(/\d+ s /u, '');
        expect(withoutSeconds(diagnosis.remedy)).toBe(withoutSeconds(error.remedy));
        expect(diagnosis.error?.code).toBe(error.code);
        expect(String(diagnosis)).toContain(`What to do: ${diagnosis.remedy}`);
        expect(String(diagnosis)).toContain('Whom to ask: ');
      },
    );
  });
});

describe.each([
  ['v1', v1.connectMcp],
  ['v2', v2.connectMcp],
] as const)('connectMcp of SDK %s rejects with the very CredenceError when', (_sdk, connectMcp) => {
  it.each(ALL)('%s', async (_what, mistake) => {
    await whileSo(mistake, async (bot, server) => {
      expectForThePersonOnCall(await refusalOf(connectMcp(bot, server)), mistake);
    });
  });
});
