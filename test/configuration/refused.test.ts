import { CredenceError, ServicePrincipal } from '@credence/core';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import * as v1 from '@credence/sdk-adapter';
import * as v2 from '@credence/sdk-adapter/v2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DeadOrigin, holdDeadOrigin } from '../support/dead-origin.ts';
import { everythingShownBy, refusalOf } from '../support/evidence.ts';
import { CONDITIONS_AT_OTHER_PARTIES, type Mistake, OWN_MISTAKES } from './support/mistakes.ts';

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

function expectHelpfulError(error: CredenceError, mistake: Mistake): void {
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

async function withMistake<T>(
  mistake: Mistake,
  work: (bot: ServicePrincipal, server: string) => Promise<T>,
): Promise<T> {
  const undo = mistake.breakOtherParty?.(sandbox);
  const bot = new ServicePrincipal(mistake.options(sandbox, dead.origin));
  try {
    return await work(bot, mistake.server ?? 'issues');
  } finally {
    await bot.close();
    undo?.();
  }
}

/** Gets an access token and sends one request with it. */
async function ping(bot: ServicePrincipal, server: string): Promise<unknown> {
  return bot.fetchFor(server)(bot.server(server).url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  });
}

const ALL = [...OWN_MISTAKES, ...CONDITIONS_AT_OTHER_PARTIES].map((mistake) => [mistake.what, mistake] as const);

describe('the error has the leg, cause, remedy and contact, and diagnose reports the same, when', () => {
  it.each(ALL)('%s', async (_what, mistake) => {
    const events: unknown[] = [];
    await withMistake(
      { ...mistake, options: (...args) => ({ ...mistake.options(...args), onEvent: (e) => events.push(e) }) },
      async (bot, server) => {
        const error = await refusalOf(ping(bot, server));
        expectHelpfulError(error, mistake);
        const output = everythingShownBy(error, events);
        for (const secret of secretsOf()) expect(output).not.toContain(secret);

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
] as const)('connectMcp of SDK %s rejects with the CredenceError itself when', (_sdk, connectMcp) => {
  it.each(ALL)('%s', async (_what, mistake) => {
    await withMistake(mistake, async (bot, server) => {
      expectHelpfulError(await refusalOf(connectMcp(bot, server)), mistake);
    });
  });
});
