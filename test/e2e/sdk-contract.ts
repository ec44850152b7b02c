import { type CredenceError, EXTENSION_EMA, isCredenceError, type ServicePrincipal } from '@credence/core';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Peer, startPeer } from '../support/peer.ts';
import {
  countRefused,
  echo,
  echoed,
  gate,
  type SdkWorld,
  type StartServer,
  startSdkWorld,
  type ToolClient,
  until,
} from './sdk-world.ts';

// a hundred calls over HTTP, or a child process, can take long on a busy machine
jest.setTimeout(90_000);

export interface SdkUnderTest {
  readonly start: StartServer;
  readonly connect: (bot: ServicePrincipal, options?: { signal?: AbortSignal }) => Promise<ToolClient>;
  /** The `protocolVersion` of the calls. It shows that the tests use this revision. */
  readonly revision: string;
  /** The JSON-RPC method, or GET, that is the first request of a connection. */
  readonly firstRequest: string;
}

/** The tests of `connectMcp`, which are the same for every SDK, transport and revision of the server. */
export function describeConnectMcp(what: string, { start, connect, revision, firstRequest }: SdkUnderTest): void {
  describe(`connectMcp with ${what}`, () => {
    let world: SdkWorld;
    const clients: ToolClient[] = [];
    const traps: Peer[] = [];

    beforeEach(async () => {
      world = await startSdkWorld(start);
    });

    afterEach(async () => {
      await Promise.all([...clients.splice(0), ...traps.splice(0)].map(async (opened) => opened.close()));
      await world.close();
    });

    async function connected(): Promise<ToolClient> {
      const client = await connect(world.bot);
      clients.push(client);
      // With the 2025 revisions the client opens a GET stream after it connects. Wait for it: the next request is from the test.
      const { requests } = world.server;
      const streamAnswered = () =>
        requests.some(({ method, path, status }) => method === 'GET' && !path.startsWith('/.well-known') && status);
      if (revision < '2026') await until(() => streamAnswered());
      return client;
    }

    async function refusal(): Promise<CredenceError> {
      const error: unknown = await connect(world.bot).catch((thrown: unknown) => thrown);
      if (!isCredenceError(error)) throw new Error(`not a CredenceError: ${String(error)}`);
      return error;
    }

    it('declares the EMA extension, and sends the access token with calls', async () => {
      const client = await connected();
      expect(await client.callTool(echo('hello'))).toEqual(echoed('hello'));
      const declared = world.server.journal.find(({ capabilities }) => capabilities !== undefined);
      expect(declared?.capabilities).toMatchObject({ extensions: { [EXTENSION_EMA]: {} } });
      const call = world.server.journal.find(({ tool }) => tool === 'echo');
      expect(call).toMatchObject({ token: world.as.issued[0], protocolVersion: revision });
      expect(world.server.total()[401]).toBe(0);
    });

    it('redeems once for 100 calls after a revocation', async () => {
      const client = await connected();
      await client.callTool(echo('before'));
      world.as.revokeAll();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 100 }, async (_, n) => client.callTool(echo(`call ${n}`))),
      );
      expect(countRefused(outcomes)).toBe(0);
      expect(world.as.issued).toHaveLength(2);
      expect(world.server.count('tools/call')[401]).toBeLessThanOrEqual(100);
      expect(world.server.workbench.executed).toHaveLength(101);
    });

    it('does not send a call that was cancelled while its access token was requested', async () => {
      const client = await connected();
      const redeemed = gate();
      world.as.script.once('redeem', async (respond) => {
        await redeemed.opened;
        return respond();
      });
      world.bot.invalidate(await world.bot.token('notes'));

      const caller = new AbortController();
      const call = client.callTool(echo('too late'), undefined, { signal: caller.signal });
      await until(() => world.as.script.count('redeem') === 2);
      caller.abort(new Error('gave up'));
      await expect(call).rejects.toThrow('gave up');
      redeemed.open();

      // The later call gets its token from the same request. If the cancelled call were sent, it would be sent by now.
      expect(await client.callTool(echo('later'))).toEqual(echoed('later'));
      expect(world.server.workbench.executed).toEqual([{ tool: 'echo', arguments: { message: 'later' } }]);
      expect(world.server.journal.map(({ method }) => method)).not.toContain('notifications/cancelled');
    });

    it('requests an additional scope only if the configuration allows it', async () => {
      const client = await connected();
      await client.callTool({ name: 'write_note', arguments: { text: 'allowed' } });
      expect(world.server.workbench.notes).toEqual(['allowed']);
      expect(world.server.count('tools/call')[403]).toBe(1);

      const strict = await startSdkWorld(start, { entry: { stepUp: [] } });
      try {
        const other = await connect(strict.bot);
        await expect(other.callTool({ name: 'write_note', arguments: { text: 'no' } })).rejects.toMatchObject({
          name: 'CredenceError',
          code: 'insufficient_scope',
          leg: 'call',
          contact: 'you',
          missingScopes: ['tools:write'],
        });
        expect(strict.server.workbench.notes).toEqual([]);
        expect(await other.callTool(echo('still there'))).toEqual(echoed('still there'));
        await other.close();
      } finally {
        await strict.close();
      }
    });

    it('follows a redirect within the origin, and sends the access token with both requests', async () => {
      const client = await connected();
      // the path of an SSE session contains its id, so the redirect keeps that path
      const posted = world.server.requests.findLast(({ method }) => method === 'POST')?.path;
      const location = firstRequest === 'GET' && posted !== undefined ? posted : world.server.movedPath;
      world.server.redirectOnce({ status: 307, location });
      expect(await client.callTool(echo('moved'))).toEqual(echoed('moved'));
      const token = world.as.issued[0];
      expect(world.server.journal.filter(({ tool }) => tool === 'echo')).toMatchObject([
        { status: 307, token },
        { path: location.split('?')[0], token },
      ]);
      expect(world.server.workbench.executed).toHaveLength(1);
    });

    it.each([301, 302, 303, 307, 308] as const)(
      'does not follow a redirect with %i to another origin',
      async (status) => {
        const trap = await startPeer({ '*': { body: {} } });
        traps.push(trap);
        const client = await connected();
        world.server.redirectOnce({ status, location: `${trap.origin}/mcp` });
        await expect(client.callTool(echo('secret'))).rejects.toMatchObject({
          name: 'CredenceError',
          code: 'cross_origin_refused',
          leg: 'call',
          contact: 'server-owner',
        });
        expect(trap.requests).toEqual([]);
        expect(await client.callTool(echo('at home'))).toEqual(echoed('at home'));
      },
    );

    it('does not follow a redirect of the first request to another origin', async () => {
      const trap = await startPeer({ '*': { body: {} } });
      traps.push(trap);
      world.server.redirectOnce({ status: 307, location: `${trap.origin}/mcp` });
      expect(await refusal()).toMatchObject({ code: 'cross_origin_refused', leg: 'call' });
      expect(trap.requests).toEqual([]);
    });

    it('rejects with the refusal of the IdP, and sends no request to the server', async () => {
      world.idp.script.always('exchange', () => ({
        status: 400,
        body: { error: 'access_denied', error_description: 'not granted' },
      }));
      expect(await refusal()).toMatchObject({
        code: 'access_denied',
        leg: 'exchange',
        server: 'notes',
        issuer: world.idp.issuer,
        contact: 'idp-admin',
      });
      expect(world.server.journal).toEqual([]);
    });

    it('rejects after a second 401 if the server accepts no token', async () => {
      world.server.behaviour.alwaysUnauthorized = true;
      expect(await refusal()).toMatchObject({ code: 'token_refused', leg: 'call', status: 401 });
      expect(world.server.count(firstRequest)[401]).toBe(2);
      expect(world.as.issued).toHaveLength(2);
    });

    it('rejects with the code unreachable if the server is down', async () => {
      await world.bot.token('notes');
      await world.server.close();
      expect(await refusal()).toMatchObject({
        code: 'unreachable',
        leg: 'call',
        contact: 'server-owner',
        retryable: true,
      });
    });

    it('stops connecting when its signal is aborted while the token is requested', async () => {
      const answered = gate();
      world.as.script.once('redeem', async (respond) => {
        await answered.opened;
        return respond();
      });
      const caller = new AbortController();
      const connecting = connect(world.bot, { signal: caller.signal });
      await until(() => world.as.script.count('redeem') === 1);
      caller.abort(new Error('no longer wanted'));
      await expect(connecting).rejects.toThrow('no longer wanted');
      answered.open();
      expect(world.server.journal).toEqual([]);
    });

    it('stops connecting when its signal is aborted while the server does not respond', async () => {
      await world.bot.token('notes');
      world.server.behaviour.latencyMs = 60_000;
      const caller = new AbortController();
      const connecting = connect(world.bot, { signal: caller.signal });
      await until(() => world.server.requests.some(({ path }) => !path.startsWith('/.well-known')));
      caller.abort(new Error('not for ever'));
      await expect(connecting).rejects.toThrow('not for ever');
    });
  });
}
