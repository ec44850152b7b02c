import { afterEach, describe, expect, it } from '@jest/globals';
import { editMembers } from '../../../../test/support/oauth-world.ts';
import { type Bot, type BotOptions, RESOURCE, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';

const started: Bot[] = [];
async function start(options?: BotOptions): Promise<Bot> {
  const bot = await startBot(options);
  started.push(bot);
  return bot;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

const OTHER = 'http://127.0.0.1:9/other';
const OTHER_SPELLINGS = [
  'HTTP://127.0.0.1:9/mcp',
  'http://127.0.0.1:09/mcp',
  'http://127.0.0.1:9/%6dcp',
  'http://127.0.0.1:9/x/../mcp',
  `${RESOURCE}/`,
  `${RESOURCE}#`,
  `${RESOURCE}?`,
  ` ${RESOURCE}`,
  'http://127.0.0.1:9',
];
const WIDER: readonly (readonly [string, unknown])[] = [
  ['another resource', OTHER],
  ['the resource and another', [RESOURCE, OTHER]],
  ['another resource and the resource', [OTHER, RESOURCE]],
  ['an empty list', []],
  ['an empty text', ''],
  ['a number', 7],
  ['an object', { resource: RESOURCE }],
  ['a list with a number', [RESOURCE, 7]],
  ['two resources in one text', `${RESOURCE} ${OTHER}`],
  ...OTHER_SPELLINGS.map((spelling) => [`the spelling ${spelling}`, spelling] as const),
];

describe('the resource of the exchange response', () => {
  it.each([
    ['the requested one', RESOURCE],
    ['the requested one in a list', [RESOURCE]],
    ['missing', undefined],
    ['null', null],
  ])('is accepted if it is %s', async (_what, resource) => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', editMembers({ resource }));
    expect((await bot.token('mcp')).resource).toBe(RESOURCE);
  });

  it.each([...WIDER, ['the resource twice', [RESOURCE, RESOURCE]]])(
    'is refused if it is %s, and the ID-JAG is not sent on',
    async (_what, resource) => {
      const { bot, world } = await start();
      world.idp.script.always('exchange', editMembers({ resource }));
      const error = await refusalOf(bot.token('mcp'));
      expect(error).toMatchObject({ code: 'resource_mismatch', leg: 'exchange', contact: 'idp-admin', server: 'mcp' });
      expect(world.as.script.count('redeem')).toBe(0);
    },
  );

  it('is refused if the ID-JAG does not name it', async () => {
    const { bot, world } = await start({ server: { missingResource: 'accept' } });
    world.idp.forge({ claims: ({ resource: _resource, ...claims }) => claims });
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'resource_mismatch', leg: 'exchange', contact: 'idp-admin' });
    expect(error.message).toContain('which the ID-JAG does not name');
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it.each<[string, unknown]>([
    ['names another resource', OTHER],
    ['names further resources', [RESOURCE, OTHER]],
    ['names the resource twice', [RESOURCE, RESOURCE]],
    ['names the resource in another spelling', 'HTTP://127.0.0.1:9/mcp'],
    ['names no resource in its list', []],
  ])('does not help if the ID-JAG %s', async (_what, resource) => {
    for (const echoed of [RESOURCE, undefined]) {
      const { bot, world } = await start();
      world.idp.forge({ claims: (claims) => ({ ...claims, resource }) });
      world.idp.script.always('exchange', editMembers({ resource: echoed }));
      expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange' });
      expect(world.as.script.count('redeem')).toBe(0);
    }
  });
});

describe.each([
  ['an ID-JAG', {}],
  ['client credentials', { flow: 'client-credentials' }],
  ['the JWT of a workload', { flow: 'workload-identity', assertion: fromWorkloadToken(() => 'jwt') }],
] as const)('the resource of the response to %s', (_what, server) => {
  const respond = async (resource: unknown) => {
    const running = await start({ server });
    const { world } = running;
    world.as.script.always('client-credentials', editMembers({ resource }));
    world.as.script.always('redeem', async (honest, request) => {
      const direct = request.form['assertion'] === 'jwt';
      const answer = direct
        ? { status: 200, headers: {}, body: { access_token: 'at', token_type: 'Bearer' } }
        : await honest();
      return { ...answer, body: { ...answer.body, resource } };
    });
    return running;
  };

  it.each([
    ['the requested one', RESOURCE],
    ['the requested one in a list', [RESOURCE]],
    ['missing', undefined],
    ['null', null],
  ])('is accepted if it is %s', async (_which, resource) => {
    const { bot } = await respond(resource);
    expect((await bot.token('mcp')).resource).toBe(RESOURCE);
  });

  it.each(WIDER)('is refused if it is %s', async (_which, resource) => {
    const { bot } = await respond(resource);
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({
      code: 'resource_mismatch',
      leg: 'redeem',
      contact: 'server-owner',
      server: 'mcp',
    });
  });
});
