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

// a hundred calls over HTTP, or a child process, can take long on a busy machine
jest.setTimeout(90_000);

export interface ProviderUnderTest {
  readonly start: StartServer;
  /** Connects a client whose transport has only the auth provider of the adapter. */
  readonly connect: (bot: ServicePrincipal) => Promise<ToolClient>;
  readonly provider: (bot: ServicePrincipal) => object;
  /** The JSON-RPC method, or GET, that is the first request of a connection. */
  readonly firstRequest: string;
}

/** The tests of `mcpAuthProvider`, which are the same for every SDK and transport. */
export function describeAuthProvider(
  what: string,
  { start, connect, provider, firstRequest }: ProviderUnderTest,
): void {
  describe(`mcpAuthProvider with ${what}`, () => {
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

    it('sends the access token with every request', async () => {
      const client = await connected();
      expect(await client.callTool(echo('hello'))).toEqual(echoed('hello'));
      expect(new Set(world.server.journal.map(({ token }) => token))).toEqual(new Set(world.as.issued));
      expect(world.server.total()[401]).toBe(0);
      expect(world.as.issued).toHaveLength(1);
    });

    it('redeems once for 100 calls after a revocation, also after a second revocation', async () => {
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

    it('replaces the refused token, also if the bot has another token with more scopes', async () => {
      const client = await connected();
      const withMoreScopes = await world.bot.fetchFor('notes')(world.server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'write_note' } }),
      });
      await withMoreScopes.body?.cancel();
      const [refused] = world.as.issued;
      world.as.revoke(String(refused));
      expect(await client.callTool(echo('again'))).toEqual(echoed('again'));
      expect((await world.bot.token('notes')).value).not.toBe(refused);
    });

    it('rejects with a CredenceError if the server answers 401 to every request while it connects', async () => {
      world.server.behaviour.alwaysUnauthorized = true;
      await expect(connect(world.bot)).rejects.toMatchObject({
        name: 'CredenceError',
        code: 'token_refused',
        leg: 'call',
        contact: 'server-owner',
      });
      // the request of the SDK, and two `initialize` with which the provider checks two tokens
      expect(world.server.total()[401]).toBeLessThanOrEqual(3);
      expect(world.as.issued.length).toBeLessThanOrEqual(2);
    });

    it('rejects 100 calls with the same code if the server answers 401 to all, and works again afterwards', async () => {
      const client = await connected();
      world.server.behaviour.alwaysUnauthorized = true;
      const outcomes = await Promise.allSettled(
        Array.from({ length: 100 }, async (_, n) => client.callTool(echo(`call ${n}`))),
      );
      expect(countRefused(outcomes)).toBe(100);
      const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : undefined));
      expect(new Set(reasons.map((reason) => reason.code))).toEqual(new Set(['token_refused']));
      // two, or a few more on a slow machine, where the pauses between attempts end during the test
      expect(world.as.issued.length).toBeLessThanOrEqual(6);
      expect(world.server.workbench.executed).toEqual([]);

      world.server.behaviour.alwaysUnauthorized = false;
      // after a second new token was refused, the next acquisition waits for a second, and longer each time
      let answer: unknown;
      await untilAsync(async () => {
        answer = await client.callTool(echo('back')).catch(() => undefined);
        return answer !== undefined;
      });
      expect(answer).toEqual(echoed('back'));
    });

    it('rejects with the CredenceError itself if the IdP refuses', async () => {
      world.idp.script.always('exchange', () => ({ status: 400, body: { error: 'access_denied' } }));
      await expect(connect(world.bot)).rejects.toMatchObject(
        // the event source of the SDK keeps only the message of an error
        overSse
          ? { message: expect.stringContaining('refuses the client') }
          : { name: 'CredenceError', code: 'access_denied', leg: 'exchange' },
      );
      expect(world.server.journal).toEqual([]);
    });

    it('requests no additional scope, and redeems at most once after a 403', async () => {
      const client = await connected();
      for (let n = 0; n < 3; n += 1) {
        await expect(client.callTool({ name: 'write_note', arguments: { text: 'no' } })).rejects.toThrow();
      }
      expect(world.server.workbench.notes).toEqual([]);
      expect(world.as.issued.length).toBeLessThanOrEqual(2);
      expect(await client.callTool(echo('still there'))).toEqual(echoed('still there'));
    });

    it('rejects a DPoP-bound token with an error that names mcpTransport', async () => {
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

    it('contains no secret when it is printed', async () => {
      const printed = provider(world.bot);
      const { value } = await world.bot.token('notes');
      expect(JSON.parse(JSON.stringify({ servers: { notes: printed } }))).toEqual({
        servers: { notes: { server: 'notes' } },
      });
      const output = `${inspect(printed, { depth: 10, showHidden: true })}${JSON.stringify(printed)}`;
      for (const secret of [value, world.idpClient.secret, world.asClient.secret]) expect(output).not.toContain(secret);
    });
  });
}
