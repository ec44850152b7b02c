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

// a hundred calls over HTTP, or a process of its own, take their time on a busy machine
jest.setTimeout(90_000);

export interface SdkUnderTest {
  readonly start: StartServer;
  readonly connect: (bot: ServicePrincipal, options?: { signal?: AbortSignal }) => Promise<ToolClient>;
  /** `protocolVersion` that the calls must carry, so that the suite is known to have tested that revision. */
  readonly revision: string;
  /** The JSON-RPC method, or GET, that is the first request of a connection. */
  readonly firstRequest: string;
}

/** What `connectMcp` promises, whatever the SDK, the transport and the server's revision. */
export function describeConnectMcp(what: string, { start, connect, revision, firstRequest }: SdkUnderTest): void {
  describe(`connectMcp, ${what}`, () => {
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
      // the 2025 revisions open a stream of their own once connected: the next request after it is the test's
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

    it('declares the EMA extension, and its calls carry the token', async () => {
      const client = await connected();
      expect(await client.callTool(echo('hello'))).toEqual(echoed('hello'));
      const declared = world.server.journal.find(({ capabilities }) => capabilities !== undefined);
      expect(declared?.capabilities).toMatchObject({ extensions: { [EXTENSION_EMA]: {} } });
      const call = world.server.journal.find(({ tool }) => tool === 'echo');
      expect(call).toMatchObject({ token: world.as.issued[0], protocolVersion: revision });
      expect(world.server.total()[401]).toBe(0);
    });

    it('brings 100 calls in flight over a revocation with one redemption', async () => {
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

    it('never runs a call that was cancelled while its token was fetched', async () => {
      const client = await connected();
      const redeemed = gate();
      world.as.script.once('redeem', async (honest) => {
        await redeemed.opened;
        return honest();
      });
      world.bot.invalidate(await world.bot.token('notes'));

      const caller = new AbortController();
      const call = client.callTool(echo('too late'), undefined, { signal: caller.signal });
      await until(() => world.as.script.count('redeem') === 2);
      caller.abort(new Error('gave up'));
      await expect(call).rejects.toThrow('gave up');
      redeemed.open();

      // a later call has its token from the same flight, so by then the cancelled one would have been sent
      expect(await client.callTool(echo('later'))).toEqual(echoed('later'));
      expect(world.server.workbench.executed).toEqual([{ tool: 'echo', arguments: { message: 'later' } }]);
      expect(world.server.journal.map(({ method }) => method)).not.toContain('notifications/cancelled');
    });

    it('steps up where the configuration allows it, and only there', async () => {
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

    it('follows a redirect within the origin, with the token on each hop', async () => {
      const client = await connected();
      // an SSE session is named in its message path, so that is where it has to stay
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

    it.each([301, 302, 303, 307, 308] as const)('follows no %i to another origin', async (status) => {
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
    });

    it('refuses a redirect of the very first request to another origin', async () => {
      const trap = await startPeer({ '*': { body: {} } });
      traps.push(trap);
      world.server.redirectOnce({ status: 307, location: `${trap.origin}/mcp` });
      expect(await refusal()).toMatchObject({ code: 'cross_origin_refused', leg: 'call' });
      expect(trap.requests).toEqual([]);
    });

    it('throws the refusal of the IdP itself, and asks the server nothing', async () => {
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

    it('ends in one error where the server takes no token at all', async () => {
      world.server.behaviour.alwaysUnauthorized = true;
      expect(await refusal()).toMatchObject({ code: 'token_refused', leg: 'call', status: 401 });
      expect(world.server.count(firstRequest)[401]).toBe(2);
      expect(world.as.issued).toHaveLength(2);
    });

    it('says of a server that is down that it is', async () => {
      await world.bot.token('notes');
      await world.server.close();
      expect(await refusal()).toMatchObject({
        code: 'unreachable',
        leg: 'call',
        contact: 'server-owner',
        retryable: true,
      });
    });

    it('stops connecting when its signal says so', async () => {
      const answered = gate();
      world.as.script.once('redeem', async (honest) => {
        await answered.opened;
        return honest();
      });
      const caller = new AbortController();
      const connecting = connect(world.bot, { signal: caller.signal });
      await until(() => world.as.script.count('redeem') === 1);
      caller.abort(new Error('no longer wanted'));
      await expect(connecting).rejects.toThrow('no longer wanted');
      answered.open();
      expect(world.server.journal).toEqual([]);
    });

    it('stops connecting to a server that says nothing', async () => {
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
