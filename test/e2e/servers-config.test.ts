import { inspect } from 'node:util';
import { credenceErrorIn, type ServicePrincipal } from '@credence/core';
import { mcpServersConfig } from '@credence/sdk-adapter';
import { mcpServersConfig as mcpServersConfigV2 } from '@credence/sdk-adapter/v2';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startV1Streamable } from '../support/mcp-servers/index.ts';
import { type SdkWorld, startRelay, startSdkWorld } from './sdk-world.ts';

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const CALL = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });

describe.each([
  {
    entry: 'the root entry',
    config: mcpServersConfig,
    frameworks: ['ai-sdk', 'openai-agents', 'mcp-use', 'mastra', 'mastra-0'],
  },
  { entry: '/v2', config: mcpServersConfigV2, frameworks: ['ai-sdk', 'openai-agents', 'mcp-use', 'mastra'] },
])('mcpServersConfig of $entry', ({ config, frameworks }) => {
  let world: SdkWorld;

  beforeEach(async () => {
    world = await startSdkWorld(startV1Streamable);
  });

  afterEach(async () => {
    await world.close();
  });

  /** For options that a program in JavaScript can pass. */
  const untyped = (bot: ServicePrincipal, options: object) => config(bot, options as { servers?: [] });

  it('returns an entry for each server, with the URL as text, or as a URL for Mastra', () => {
    const { url } = world.server;
    expect(config(world.bot)).toEqual({
      notes: {
        name: 'notes',
        type: 'http',
        transport: 'http',
        url,
        fetch: expect.any(Function),
        disableSseFallback: true,
      },
    });
    expect(config(world.bot, { framework: 'mastra', servers: [url] })).toEqual({
      notes: { url: new URL(url), fetch: expect.any(Function), connectTimeout: 60_000 },
    });
    expect(config(world.bot, { servers: [] })).toEqual({});
  });

  it.each(frameworks)('prints names and URLs and no secret for %s', async (framework) => {
    const servers = untyped(world.bot, { framework });
    const { value } = await world.bot.token('notes');
    const json = JSON.stringify(servers);
    expect(json).toContain(world.server.url);
    const printed = json + inspect(servers, { depth: 10, showHidden: true });
    for (const secret of [value, world.idpClient.secret, world.asClient.secret]) expect(printed).not.toContain(secret);
  });

  it('takes the options of fetchFor', async () => {
    const hashes: unknown[] = [];
    const options = {
      run: 'run-1',
      onToken: (use: object) => void hashes.push(use),
      approveStepUp: async () => false,
      stepUp: false,
      repeatsAfterServerError: true,
    };
    const entry = config(world.bot, options)['notes'];
    const response = await entry?.fetch(world.server.url, { method: 'POST', headers: HEADERS, body: CALL });
    await response?.body?.cancel();
    expect(hashes).toHaveLength(1);
  });

  it('sends the token, replaces a revoked one, and takes a Request', async () => {
    const fetch = config(world.bot)['notes']?.fetch;
    await world.bot.token('notes');
    world.as.revokeAll();
    const answer = await fetch?.(new Request(world.server.url, { method: 'POST', headers: HEADERS, body: CALL }));
    await answer?.body?.cancel();
    expect(world.as.issued).toHaveLength(2);
    expect(world.server.journal.map(({ token }) => token)).toEqual(world.as.issued);
  });

  it('gives a refusal a message that says what to do and whom to ask, with the CredenceError as cause', async () => {
    world.idp.script.always('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
    const { notes } = config(world.bot);
    const refusal: unknown = await notes
      ?.fetch(world.server.url, { method: 'POST', body: CALL, headers: HEADERS })
      .catch((error: unknown) => error);
    const cause = credenceErrorIn(refusal);
    expect(cause).toMatchObject({ code: 'access_denied', leg: 'exchange', contact: 'idp-admin' });
    expect(refusal).toMatchObject({ name: 'Error', message: cause?.summary });
    expect(cause?.summary).toContain('contact: idp-admin');
  });

  it('removes the token from the body of an error response, also for a Request', async () => {
    const hostile = await startRelay(
      () => world.server.url,
      ({ headers }) => ({ status: 500, body: `you sent ${headers.authorization}` }),
    );
    const url = `${hostile.origin}/mcp`;
    const other = await startSdkWorld(startV1Streamable, { entry: { url, resource: url } });
    other.as.protect(url);
    const fetch = config(other.bot)['notes']?.fetch;
    const init = { method: 'POST', headers: HEADERS, body: CALL };
    const bodies = [await fetch?.(url, init), await fetch?.(new Request(url, init))].map(async (answer) =>
      answer?.text(),
    );
    const { value } = await other.bot.token('notes');
    for (const body of await Promise.all(bodies)) {
      expect(body).toContain('you sent');
      expect(body).not.toContain(value);
    }
    await other.close();
    await hostile.close();
  });

  it('throws the error of an abort as it is', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(config(world.bot)['notes']?.fetch(world.server.url, { signal })).rejects.toBe(reason);
  });

  it.each([
    { options: { framework: 'crew' }, remedy: frameworks.join(', ') },
    { options: { framework: undefined }, remedy: frameworks.join(', ') },
    { options: { server: ['notes'] }, remedy: 'servers' },
    { options: { servers: 'notes' }, remedy: 'a list of names or URLs' },
  ])('refuses $options with the remedy', ({ options, remedy }) => {
    expect(() => untyped(world.bot, options)).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        leg: 'configure',
        contact: 'you',
        remedy: expect.stringContaining(remedy),
      }),
    );
  });

  it('refuses the name of a server that is not configured', () => {
    expect(() => config(world.bot, { servers: ['calendar'] })).toThrow(
      expect.objectContaining({ code: 'unknown_server' }),
    );
  });
});
