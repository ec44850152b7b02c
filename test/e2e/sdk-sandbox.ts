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

// a hundred calls over HTTP, or a child process, can take long on a busy machine
jest.setTimeout(90_000);

type Connect = (bot: ServicePrincipal, server: string) => Promise<ToolClient>;

const LIST = { name: 'list_issues', arguments: {} };
const CREATE = { name: 'create_issue', arguments: { title: 'Coffee machine', body: 'It leaks.' } };

/** The tests of a bot in the sandbox, which are the same for both SDKs. */
export function describeInSandbox(what: string, connect: Connect): void {
  describe(`a bot in the sandbox with ${what}`, () => {
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

    it('requests one new access token for 100 calls after a revocation', async () => {
      const client = await connected(await start());
      await client.callTool(LIST);
      const { idp, authorizationServers, servers } = sandbox;
      const before = { idp: idp.requests.token, as: authorizationServers.main.requests.token };
      expect(authorizationServers.main.revokeTokens()).toBe(1);
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, async () => client.callTool(LIST)));
      expect(countRefused(outcomes)).toBe(0);
      expect(servers.issues.requests.toolCalls).toBe(101);
      expect(authorizationServers.main.requests.token - before.as).toBe(1);
      // the cached ID-JAG is redeemed again, without a request to the IdP
      expect(idp.requests.token - before.idp).toBe(0);
      expect(servers.issues.requests.unauthorized).toBeLessThanOrEqual(100);
    });

    it('makes calls for three seconds with access tokens that live two seconds, and no call fails', async () => {
      const client = await connected(await start({ accessTokenLifetimeSeconds: 2 }));
      const endMs = performance.now() + 3_200;
      let calls = 0;
      while (performance.now() < endMs) {
        await client.callTool(LIST);
        calls += 1;
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      expect(calls).toBeGreaterThan(5);
      // The authorization server counts whole seconds, so a lifetime of two seconds can end after little more than one.
      const tokens = events.filter(({ type }) => type === 'acquired' || type === 'renewed').length;
      expect(tokens).toBeGreaterThanOrEqual(2);
      expect(tokens).toBeLessThanOrEqual(4);
      expect(sandbox.servers.issues.requests.unauthorized).toBeLessThan(tokens);
    });

    it('calls a tool that needs an additional scope, if it is configured and granted', async () => {
      const client = await connected(await start());
      expect(await client.callTool(CREATE)).toMatchObject({ content: [{ text: expect.stringContaining('Coffee') }] });
      expect(sandbox.servers.issues.requests.forbidden).toBe(1);
    });

    it('gets the refusal of the IdP if the additional scope is no longer granted', async () => {
      const client = await connected(await start());
      sandbox.policy.revokeScope('reporting-bot', 'issues', 'issues:write');
      await expect(client.callTool(CREATE)).rejects.toMatchObject({
        name: 'CredenceError',
        contact: 'idp-admin',
        server: 'issues',
      });
      await expect(client.callTool(LIST)).resolves.toBeDefined();
    });

    it('is refused by the IdP for a server that is not granted, and sends no call to the server', async () => {
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

    it('is refused at the leg authenticate if the principal is disabled', async () => {
      const bot = await start();
      sandbox.policy.disablePrincipal('reporting-bot');
      await expect(connect(bot, 'issues')).rejects.toMatchObject({
        name: 'CredenceError',
        leg: 'authenticate',
        contact: 'idp-admin',
      });
    });

    it('sends a DPoP proof with every call to a server that requires DPoP', async () => {
      const bot = await start({ requireDpop: true }, await generateDpopKeyPair());
      const client = await connected(bot);
      await client.callTool(LIST);
      expect((await bot.token('issues')).type).toBe('DPoP');
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, async () => client.callTool(LIST)));
      expect(countRefused(outcomes)).toBe(0);
      expect(await client.callTool(CREATE)).toMatchObject({ content: [{ text: expect.stringContaining('Coffee') }] });
      // one 401, with the nonce; later proofs contain the nonce
      expect(sandbox.servers.issues.requests.unauthorized).toBe(1);
    });

    it('requests one new DPoP-bound access token for 100 calls after a revocation', async () => {
      const client = await connected(await start({ requireDpop: true }, await generateDpopKeyPair()));
      await client.callTool(LIST);
      const { main } = sandbox.authorizationServers;
      const before = main.requests.token;
      expect(main.revokeTokens()).toBe(1);
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, async () => client.callTool(LIST)));
      expect(countRefused(outcomes)).toBe(0);
      expect(main.requests.token - before).toBe(1);
    });

    it('gets an error that names the option dpop if the server requires DPoP and no key is configured', async () => {
      const bot = await start({ requireDpop: true });
      await expect(connect(bot, 'issues')).rejects.toMatchObject({
        name: 'CredenceError',
        leg: 'redeem',
        errorDescription: expect.stringContaining('DPoP'),
        remedy: expect.stringContaining('dpop'),
      });
    });

    it('sends no request after the client is closed', async () => {
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
