import { once } from 'node:events';
import { isCredenceError } from '@credence/core';
import type { LoadedTools } from '@credence/langchain';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ContentServer, startContentServer } from '../support/content-server.ts';
import { type LangchainWorld, startLangchainWorld } from '../support/langchain-world.ts';

let world: LangchainWorld;
let server: ContentServer;

beforeEach(async () => {
  world = await startLangchainWorld();
  server = await startContentServer({ verify: world.oauth.as.verify });
  world.onClose(async () => server.close());
});
afterEach(async () => world.close());

/** The CredenceError that a promise rejects with. */
async function failure(promise: Promise<unknown>) {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  if (!isCredenceError(error)) throw new Error(`not a CredenceError: ${String(error)}`);
  return error;
}

const HIDDEN = '\u0007\u202e\u{e0041}';

describe.each(['v1', 'v2'] as const)('resources and prompts with SDK %s', (sdk) => {
  const load = async (): Promise<LoadedTools> => world.load({ s: server.url }, { sdk });

  it('are listed with the name of their server', async () => {
    const loaded = await load();
    expect(await loaded.resources('s')).toEqual({
      resources: [
        {
          server: 's',
          uri: 'notes://handbook',
          name: 'handbook',
          title: 'Handbook',
          description: 'How we work.',
          mimeType: 'text/markdown',
        },
      ],
      failures: [],
    });
    expect(await loaded.resourceTemplates()).toEqual({
      resourceTemplates: [{ server: 's', uriTemplate: 'notes://{id}', name: 'note', description: 'A note.' }],
      failures: [],
    });
    expect(await loaded.prompts()).toEqual({
      prompts: [
        {
          server: 's',
          name: 'review',
          description: 'Reviews a change.',
          arguments: [{ name: 'diff', required: true }],
        },
      ],
      failures: [],
    });
  });

  it('are read as content and as messages', async () => {
    const loaded = await load();
    expect(await loaded.readResource('s', 'notes://handbook')).toEqual([
      { uri: 'notes://handbook', mimeType: 'text/markdown', text: '# Handbook' },
    ]);
    expect(await loaded.readResource('s', 'notes://7')).toEqual([{ uri: 'notes://7', blob: 'Ynl0ZXM=' }]);
    const messages = await loaded.prompt('s', 'review', { diff: '#12' });
    expect(messages.map((message) => message.content)).toEqual([
      'Review #12',
      'Gladly.',
      [{ type: 'image', data: 'aW1n', mimeType: 'image/png' }],
    ]);
    expect(messages.map((message) => [HumanMessage, AIMessage].findIndex((kind) => kind.isInstance(message)))).toEqual([
      0, 1, 0,
    ]);
  });

  it('survive a revocation', async () => {
    const loaded = await load();
    await loaded.resources();
    world.oauth.as.revokeAll();
    expect(await loaded.readResource('s', 'notes://handbook')).toHaveLength(1);
    expect((await loaded.prompts()).failures).toEqual([]);
  });

  it('fail with a CredenceError for a refusal, an error of the server, and wrong parameters', async () => {
    const loaded = await load();
    expect(await failure(loaded.readResource('s', 'notes:a'))).toMatchObject({ code: 'invalid_response', server: 's' });
    expect(await failure(loaded.prompt('s', 'unknown'))).toMatchObject({
      code: 'invalid_response',
      contact: 'server-owner',
    });
    expect(await failure(loaded.readResource('s', `notes://a${HIDDEN}`))).toMatchObject({
      code: 'invalid_configuration',
    });
    expect(await failure(loaded.resources('other'))).toMatchObject({ code: 'unknown_server' });
    world.oauth.as.revokeAll();
    world.oauth.idp.script.always('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
    world.oauth.as.script.always('redeem', () => ({ status: 400, body: { error: 'invalid_grant' } }));
    expect((await failure(loaded.readResource('s', 'notes://handbook'))).contact).not.toBe('you');
    const { resources, failures } = await loaded.resources();
    expect([resources, failures.map(({ server: name, loaded: count }) => [name, count])]).toEqual([[], [['s', 0]]]);
  });

  it('of one server that refuses do not take away those of another', async () => {
    const dead = await world.serve({ initialize: () => ({ http: { status: 503 } }) });
    const loaded = await world.load({ dead: dead.url, s: server.url }, { sdk });
    const { resources, failures } = await loaded.resources();
    expect(resources.map(({ uri }) => uri)).toEqual(['notes://handbook']);
    expect(failures).toMatchObject([{ server: 'dead', loaded: 0, error: { code: 'peer_unavailable' } }]);
  });

  it('of a server without tools are there, and a server without them has empty lists', async () => {
    const bare = await world.serve({
      initialize: () => ({ result: { capabilities: { prompts: {} } } }),
      'prompts/list': () => ({ result: { prompts: [{ name: 'p' }] } }),
    });
    const loaded = await world.load({ bare: bare.url }, { sdk });
    expect(loaded.tools).toEqual([]);
    expect((await loaded.prompts()).prompts.map(({ name }) => name)).toEqual(['p']);
    expect(await loaded.resources()).toEqual({ resources: [], failures: [] });
    expect(bare.received('resources/list')).toEqual([]);
  });

  it('have clean texts, and entries whose name or URI has hidden characters are left out', async () => {
    const text = `a${HIDDEN}b`;
    const hostile = await world.serve({
      initialize: () => ({ result: { capabilities: { prompts: {}, resources: {} } } }),
      'prompts/list': () => ({
        result: {
          prompts: [
            { name: text },
            {
              name: 'p',
              title: text,
              description: text,
              arguments: [{ name: text }, { name: 'x', description: text }],
            },
          ],
        },
      }),
      'resources/list': () => ({
        result: {
          resources: [
            { uri: `x://${text}`, name: 'r' },
            { uri: 'x://a', name: text, description: `${text}${'y'.repeat(20_000)}`, mimeType: text },
          ],
        },
      }),
    });
    const loaded = await world.load({ h: hostile.url }, { sdk });
    const [prompts, resources] = await Promise.all([loaded.prompts(), loaded.resources()]);
    expect(JSON.stringify([prompts.prompts, resources.resources])).not.toMatch(/(?![\n\t])[\p{C}\p{DI}]|\\u00/u);
    expect(prompts.prompts).toMatchObject([{ name: 'p', arguments: [{ name: 'x' }] }]);
    expect(resources.resources.map(({ description }) => description?.length)).toEqual([8_000]);
    for (const { failures } of [prompts, resources]) {
      expect(failures).toMatchObject([{ loaded: 1, error: { code: 'invalid_response', server: 'h' } }]);
    }
  });

  it.each<[string, object, { code: string; count: number }]>([
    ['pages', { pages: 2 }, { code: 'response_too_large', count: 2 }],
    ['entries', { tools: 3 }, { code: 'response_too_large', count: 3 }],
    ['bytes', { bytes: 150_000 }, { code: 'response_too_large', count: 1 }],
  ])('of a list without end are limited by %s', async (_what, limits, { code, count }) => {
    let page = 0;
    const endless = await world.serve({
      initialize: () => ({ result: { capabilities: { resources: {} } } }),
      'resources/list': () => {
        page += 1;
        const description = 'x'.repeat(100_000);
        return { result: { resources: [{ uri: `x://${page}`, name: 'r', description }], nextCursor: `c${page}` } };
      },
    });
    const loaded = await world.load({ e: endless.url }, { sdk, limits });
    const { resources, failures } = await loaded.resources('e');
    expect(resources).toHaveLength(count);
    expect(failures).toMatchObject([{ error: { code, server: 'e' }, loaded: count }]);
  });

  it('of a list whose pages repeat, or that hangs, end with what was read', async () => {
    const looping = await world.serve({
      initialize: () => ({ result: { capabilities: { resources: {}, prompts: {} } } }),
      'resources/list': () => ({ result: { resources: [{ uri: 'x://1', name: 'r' }], nextCursor: 'again' } }),
      'prompts/list': ({ params }) =>
        'cursor' in params
          ? { http: { onWire: async ({ signal }) => void (await once(signal, 'abort')) } }
          : { result: { prompts: [{ name: 'p' }], nextCursor: 'next' } },
    });
    const loaded = await world.load({ l: looping.url }, { sdk, limits: { totalMs: 500 } });
    const [{ resources, failures }, hanging] = await Promise.all([loaded.resources(), loaded.prompts()]);
    expect([resources.length, failures[0]?.error.code]).toEqual([2, 'invalid_response']);
    expect([hanging.prompts.length, hanging.failures[0]?.error.code]).toEqual([1, 'timeout']);
  });

  it('end with the reason of the caller, and with the code closed after close()', async () => {
    const loaded = await load();
    const signal = AbortSignal.abort(new Error('not now'));
    await expect(loaded.resources('s', { signal })).rejects.toThrow('not now');
    await expect(loaded.readResource('s', 'notes://handbook', { signal })).rejects.toThrow('not now');
    await loaded.close();
    expect(await failure(loaded.prompts())).toMatchObject({ code: 'closed' });
    expect(await failure(loaded.prompt('s', 'review'))).toMatchObject({ code: 'closed' });
  });
});
