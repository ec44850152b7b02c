import {
  type CredenceEvent,
  generateDpopKeyPair,
  optionsFromEnv,
  type McpServerOptions,
  ServicePrincipal,
} from '@credence/core';
import { type Sandbox, type SandboxOptions, startSandbox } from '@credence/sandbox';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { countRefused, type ToolClient } from './sdk-world.ts';

// a hundred calls over HTTP, or a process of its own, take their time on a busy machine
jest.setTimeout(90_000);

type Connect = (bot: ServicePrincipal, server: string) => Promise<ToolClient>;

const LIST = { name: 'list_issues', arguments: {} };
const CREATE = { name: 'create_issue', arguments: { title: 'Coffee machine', body: 'It leaks.' } };

/** What holds for a bot of the sandbox, whatever the SDK. */
export function describeInSandbox(what: string, connect: Connect): void {
  describe(`a bot in the sandbox, ${what}`, () => {
    const opened: { close(): Promise<void> }[] = [];
    let events: CredenceEvent[];
    let sandbox: Sandbox;

    async function start(options?: SandboxOptions, dpop?: McpServerOptions['dpop']): Promise<ServicePrincipal> {
      sandbox = await startSandbox(options);
      opened.push(sandbox);
      events = [];
      const { idp, servers } = optionsFromEnv(sandbox.principals['reporting-bot'].env);
      const bot = new ServicePrincipal({
        idp,
        servers: Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, { ...server, dpop }])),
        onEvent: (event) => events.push(event),
      });
      opened.push(bot);
      return bot;
    }

    async function connected(bot: ServicePrincipal, server = 'issues'): Promise<ToolClient> {
      const client = await connect(bot, server);
      opened.push(client);
      return client;
    }

    afterEach(async () => {
      for (const { close } of opened
        .splice(0)
        .toReversed()
        .map((resource) => ({ close: async () => resource.close() }))) {
        await close();
      }
    });

    it('brings 100 calls in flight over a revocation with one acquisition', async () => {
      const client = await connected(await start());
      await client.callTool(LIST);
      const { idp, authorizationServers, servers } = sandbox;
      const before = { idp: idp.requests.token, as: authorizationServers.main.requests.token };
      expect(authorizationServers.main.revokeTokens()).toBe(1);
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, async () => client.callTool(LIST)));
      expect(countRefused(outcomes)).toBe(0);
      expect(servers.issues.requests.toolCalls).toBe(101);
      expect(authorizationServers.main.requests.token - before.as).toBe(1);
      // the ID-JAG that is still good is redeemed again: the IdP is not even asked
      expect(idp.requests.token - before.idp).toBe(0);
      expect(servers.issues.requests.unauthorized).toBeLessThanOrEqual(100);
    });

    it('calls on and on with tokens that live two seconds, and none fails', async () => {
      const client = await connected(await start({ accessTokenLifetimeSeconds: 2 }));
      const endMs = performance.now() + 3_200;
      let calls = 0;
      while (performance.now() < endMs) {
        await client.callTool(LIST);
        calls += 1;
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      expect(calls).toBeGreaterThan(5);
      // the authorization server counts whole seconds: two of them may end after little more than one, unannounced
      const tokens = events.filter(({ type }) => type === 'acquired' || type === 'renewed').length;
      expect(tokens).toBeGreaterThanOrEqual(2);
      expect(tokens).toBeLessThanOrEqual(4);
      expect(sandbox.servers.issues.requests.unauthorized).toBeLessThan(tokens);
    });

    it('writes where a step-up is configured and granted', async () => {
      const client = await connected(await start());
      expect(await client.callTool(CREATE)).toMatchObject({ content: [{ text: expect.stringContaining('Coffee') }] });
      expect(sandbox.servers.issues.requests.forbidden).toBe(1);
    });

    it('is told by the IdP where the step-up is no longer granted', async () => {
      const client = await connected(await start());
      sandbox.policy.revokeScope('reporting-bot', 'issues', 'issues:write');
      await expect(client.callTool(CREATE)).rejects.toMatchObject({
        name: 'CredenceError',
        contact: 'idp-admin',
        server: 'issues',
      });
      await expect(client.callTool(LIST)).resolves.toBeDefined();
    });

    it('is refused a server that it was not granted, by the IdP, before anything is asked of the server', async () => {
      const bot = await start();
      await expect(connect(bot, 'database')).rejects.toMatchObject({
        name: 'CredenceError',
        code: 'access_denied',
        leg: 'exchange',
        server: 'database',
        contact: 'idp-admin',
      });
      expect(sandbox.servers.database.requests.post).toBe(0);
    });

    it('is refused by name when the principal is disabled', async () => {
      const bot = await start();
      sandbox.policy.disablePrincipal('reporting-bot');
      await expect(connect(bot, 'issues')).rejects.toMatchObject({
        name: 'CredenceError',
        leg: 'authenticate',
        contact: 'idp-admin',
      });
    });

    it('proves every call of a server that takes only tokens bound to a key', async () => {
      const bot = await start({ requireDpop: true }, await generateDpopKeyPair());
      const client = await connected(bot);
      await client.callTool(LIST);
      expect((await bot.token('issues')).type).toBe('DPoP');
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, async () => client.callTool(LIST)));
      expect(countRefused(outcomes)).toBe(0);
      expect(await client.callTool(CREATE)).toMatchObject({ content: [{ text: expect.stringContaining('Coffee') }] });
      // one for the nonce; afterwards it is known
      expect(sandbox.servers.issues.requests.unauthorized).toBe(1);
    });

    it('brings 100 proven calls in flight over a revocation with one acquisition', async () => {
      const client = await connected(await start({ requireDpop: true }, await generateDpopKeyPair()));
      await client.callTool(LIST);
      const { main } = sandbox.authorizationServers;
      const before = main.requests.token;
      expect(main.revokeTokens()).toBe(1);
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, async () => client.callTool(LIST)));
      expect(countRefused(outcomes)).toBe(0);
      expect(main.requests.token - before).toBe(1);
    });

    it('is told why, where the server takes only tokens bound to a key and none is configured', async () => {
      const bot = await start({ requireDpop: true });
      await expect(connect(bot, 'issues')).rejects.toMatchObject({
        name: 'CredenceError',
        leg: 'redeem',
        errorDescription: expect.stringContaining('DPoP'),
        remedy: expect.stringContaining('dpop'),
      });
    });

    it('leaves no connection to the server behind when it is closed', async () => {
      const client = await connected(await start());
      await client.callTool(LIST);
      await client.close();
      await expect(client.callTool(LIST)).rejects.toThrow();
      const { post } = sandbox.servers.issues.requests;
      await new Promise((resolve) => setImmediate(resolve));
      expect(sandbox.servers.issues.requests.post).toBe(post);
    });
  });
}
