import { inspect } from 'node:util';
import { generateDpopKeyPair, type ServicePrincipal } from '@credence/core';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { editMembers } from '../support/oauth-world.ts';
import {
  countRefused,
  echo,
  echoed,
  type SdkWorld,
  startSdkWorld,
  type StartServer,
  type ToolClient,
  untilAsync,
} from './sdk-world.ts';

// a hundred calls over HTTP, or a process of its own, take their time on a busy machine
jest.setTimeout(90_000);

export interface ProviderUnderTest {
  readonly start: StartServer;
  /** A client whose transport was given the auth provider and nothing else of the adapter. */
  readonly connect: (bot: ServicePrincipal) => Promise<ToolClient>;
  readonly provider: (bot: ServicePrincipal) => object;
  /** The JSON-RPC method, or GET, that is the first request of a connection. */
  readonly firstRequest: string;
}

/** What `mcpAuthProvider` promises where no fetch can be passed, whatever the SDK and the transport. */
export function describeAuthProvider(
  what: string,
  { start, connect, provider, firstRequest }: ProviderUnderTest,
): void {
  describe(`mcpAuthProvider, ${what}`, () => {
    const overSse = firstRequest === 'GET';
    let world: SdkWorld;
    const clients: ToolClient[] = [];

    beforeEach(async () => {
      world = await startSdkWorld(start);
    });

    afterEach(async () => {
      await Promise.all(clients.splice(0).map(async (client) => client.close()));
      await world.close();
    });

    async function connected(): Promise<ToolClient> {
      const client = await connect(world.bot);
      clients.push(client);
      return client;
    }

    it('presents the token on every request', async () => {
      const client = await connected();
      expect(await client.callTool(echo('hello'))).toEqual(echoed('hello'));
      expect(new Set(world.server.journal.map(({ token }) => token))).toEqual(new Set(world.as.issued));
      expect(world.server.total()[401]).toBe(0);
      expect(world.as.issued).toHaveLength(1);
    });

    it('brings 100 calls in flight over a revocation with one redemption, again and again', async () => {
      const client = await connected();
      for (let round = 1; round <= 2; round += 1) {
        await client.callTool(echo('before'));
        world.as.revokeAll();
        const outcomes = await Promise.allSettled(
          Array.from({ length: 100 }, async (_, n) => client.callTool(echo(`call ${n}`))),
        );
        expect(countRefused(outcomes)).toBe(0);
        expect(world.as.issued).toHaveLength(1 + round);
        expect(world.server.count('tools/call')[401]).toBeLessThanOrEqual(100 * round);
      }
    });

    it('replaces exactly the refused token, though the bot holds another with more scopes', async () => {
      const client = await connected();
      const stronger = await world.bot.fetchFor('notes')(world.server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'write_note' } }),
      });
      await stronger.body?.cancel();
      const [weak] = world.as.issued;
      world.as.revoke(String(weak));
      expect(await client.callTool(echo('again'))).toEqual(echoed('again'));
      expect((await world.bot.token('notes')).value).not.toBe(weak);
    });

    it('ends an endless 401 while connecting in one CredenceError', async () => {
      world.server.behaviour.alwaysUnauthorized = true;
      await expect(connect(world.bot)).rejects.toMatchObject({
        name: 'CredenceError',
        code: 'token_refused',
        leg: 'call',
        contact: 'server-owner',
      });
      expect(world.server.count(firstRequest)[401]).toBeLessThanOrEqual(2);
      expect(world.server.total()[401]).toBeLessThanOrEqual(4);
      expect(world.as.issued.length).toBeLessThanOrEqual(2);
    });

    it('ends an endless 401 of 100 calls in one CredenceError for all, and works again when the server does', async () => {
      const client = await connected();
      world.server.behaviour.alwaysUnauthorized = true;
      const outcomes = await Promise.allSettled(
        Array.from({ length: 100 }, async (_, n) => client.callTool(echo(`call ${n}`))),
      );
      expect(countRefused(outcomes)).toBe(100);
      const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : undefined));
      expect(new Set(reasons.map((reason) => reason.code))).toEqual(new Set(['token_refused']));
      // two, and on a machine so slow that the pauses between tries pass meanwhile, a few more
      expect(world.as.issued.length).toBeLessThanOrEqual(6);
      expect(world.server.workbench.executed).toEqual([]);

      world.server.behaviour.alwaysUnauthorized = false;
      // acquisition pauses for a second after a second fresh token was refused, and for longer each time
      let answer: unknown;
      await untilAsync(async () => {
        answer = await client.callTool(echo('back')).catch(() => undefined);
        return answer !== undefined;
      });
      expect(answer).toEqual(echoed('back'));
    });

    it('is refused by the IdP with the CredenceError itself', async () => {
      world.idp.script.always('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
      await expect(connect(world.bot)).rejects.toMatchObject(
        // the event source makes a message of what is thrown in it
        overSse
          ? { message: expect.stringContaining('refuses the client') }
          : { name: 'CredenceError', code: 'access_denied', leg: 'exchange' },
      );
      expect(world.server.journal).toEqual([]);
    });

    it('does not step up, and a 403 costs at most one redemption', async () => {
      const client = await connected();
      for (let n = 0; n < 3; n += 1) {
        await expect(client.callTool({ name: 'write_note', arguments: { text: 'no' } })).rejects.toThrow();
      }
      expect(world.server.workbench.notes).toEqual([]);
      expect(world.as.issued.length).toBeLessThanOrEqual(2);
      expect(await client.callTool(echo('still there'))).toEqual(echoed('still there'));
    });

    it('says that a key-bound token needs the transport', async () => {
      const dpop = await startSdkWorld(start, {
        entry: { flow: 'client-credentials', dpop: await generateDpopKeyPair() },
      });
      dpop.as.script.always('client-credentials', editMembers({ token_type: 'DPoP' }));
      await expect(connect(dpop.bot)).rejects.toMatchObject(
        overSse
          ? { message: expect.stringContaining('bearer tokens only') }
          : { code: 'invalid_configuration', remedy: expect.stringContaining('mcpTransport') },
      );
      expect(dpop.server.journal).toEqual([]);
      await dpop.close();
    });

    it('prints nothing of the principal', async () => {
      const printed = provider(world.bot);
      const { value } = await world.bot.token('notes');
      expect(JSON.parse(JSON.stringify({ servers: { notes: printed } }))).toEqual({
        servers: { notes: { server: 'notes' } },
      });
      const shown = `${inspect(printed, { depth: 10, showHidden: true })}${JSON.stringify(printed)}`;
      for (const secret of [value, world.idpClient.secret, world.asClient.secret]) expect(shown).not.toContain(secret);
    });
  });
}
