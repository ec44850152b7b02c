import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type AuditRecord,
  auditTrail,
  type CredenceEvent,
  generateDpopKeyPair,
  ServicePrincipal,
} from '@credence/core';
import { loadTools, principalPool } from '@credence/langchain';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { connectMcp, mcpAuthProvider } from '@credence/sdk-adapter';
import { connectMcp as connectV2 } from '@credence/sdk-adapter/v2';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const open: ServicePrincipal[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (bot) => bot.close()));
});

function startBot(options: { onEvent?: (event: CredenceEvent) => void } = {}): ServicePrincipal {
  const bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env, options);
  open.push(bot);
  return bot;
}

const callsSince = (start: number) => sandbox.audit.calls.slice(start);
const title = { title: 'A question' };

describe('a user of the bot reaches an MCP server', () => {
  const adapters: Readonly<Record<string, (user: ServicePrincipal) => Promise<unknown>>> = {
    async connectMcp(user) {
      const client = await connectMcp(user, 'issues');
      const { structuredContent } = await client.callTool({ name: 'create_issue', arguments: title });
      await client.close();
      return structuredContent;
    },
    async 'connectMcp of SDK v2'(user) {
      const client = await connectV2(user, 'issues');
      const { structuredContent } = await client.callTool({ name: 'create_issue', arguments: title });
      await client.close();
      return structuredContent;
    },
    async mcpAuthProvider(user) {
      await user.token('issues', { scopes: ['issues:write'] });
      const client = new Client({ name: 'test', version: '1.0.0' });
      const { url } = user.server('issues');
      await client.connect(new StreamableHTTPClientTransport(url, { authProvider: mcpAuthProvider(user, 'issues') }));
      const { structuredContent } = await client.callTool({ name: 'list_issues', arguments: {} });
      await client.close();
      return { ...Object(structuredContent), author: 'alice' };
    },
    async loadTools(user) {
      const { tools, close } = await loadTools(user, ['issues']);
      const answer: unknown = await tools.find(({ name }) => name.endsWith('create_issue'))?.invoke(title);
      await close();
      return JSON.parse(String(answer)) as unknown;
    },
    async principalPool(user) {
      const pool = principalPool({ create: () => user });
      const tools = await pool.toolsFor({ context: { principal: 'alice' } });
      const tool = tools.tools.find(({ name }) => name.endsWith('create_issue'));
      const answer: unknown = await tool?.invoke(title, { context: { principal: 'alice' } } as never);
      await pool.close();
      return JSON.parse(String(answer)) as unknown;
    },
  };

  it.each(Object.keys(adapters))('with %s, as the user, with a step-up, and the bot is the actor', async (name) => {
    const bot = startBot();
    const token = await sandbox.userToken('alice');
    const start = sandbox.audit.calls.length;
    const user = bot.onBehalfOf(() => token, { identity: 'alice' });
    expect(await adapters[name]?.(user)).toMatchObject({ author: 'alice' });
    const calls = callsSince(start);
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      expect(call).toMatchObject({
        server: 'issues',
        user: 'alice',
        principal: 'reporting-bot',
        actor: 'reporting-bot',
      });
    }
    await user.close();
  });

  it('of a server with JWTs and DPoP, where the bot proves its key and the token names user and bot', async () => {
    await using other = await startSandbox({ accessTokenFormat: 'jwt', requireDpop: true });
    const { env, servers, clientId, privateKey } = other.principals['reporting-bot'];
    expect(clientId).toBe(env['CREDENCE_IDP_CLIENT_ID']);
    const { clientSecret, privateKeyJwt } = await import('@credence/core');
    const { url, issuer, clientId: atServer, clientSecret: secret } = servers.issues;
    const bot = new ServicePrincipal({
      idp: { issuer: other.idp.issuer, credential: privateKeyJwt({ clientId, key: privateKey }) },
      servers: {
        issues: {
          url,
          issuer,
          credential: clientSecret({ clientId: atServer, secret }),
          dpop: await generateDpopKeyPair(),
        },
      },
    });
    open.push(bot);
    const user = bot.onBehalfOf(() => other.userToken('bob'), { identity: 'bob' });
    const client = await connectMcp(user, 'issues');
    await client.callTool({ name: 'create_issue', arguments: title });
    expect(other.audit.calls).toMatchObject([{ user: 'bob', actor: 'reporting-bot', granted: true }]);
    await client.close();
  });

  it("with actor: 'client', because the IdP of the sandbox takes the actor from the client", async () => {
    const bot = startBot();
    const before = sandbox.idp.requests.token;
    const user = bot.onBehalfOf(() => sandbox.userToken('bob'), { identity: 'bob', actor: 'client' });
    await user.token('issues');
    expect(sandbox.idp.requests.token - before).toBe(1);
    expect(sandbox.audit.records.at(-1)).toMatchObject({ where: 'as', user: 'bob', actor: 'reporting-bot' });
  });

  it('is refused for an ID token that was issued to another client', async () => {
    const bot = startBot();
    const user = bot.onBehalfOf(() => sandbox.userToken('bob', { principal: 'triage-bot' }), { identity: 'b' });
    await expect(user.token('issues')).rejects.toMatchObject({ code: 'invalid_grant', leg: 'exchange' });
  });

  it('keeps working after the tokens of the user are revoked', async () => {
    const bot = startBot();
    const token = await sandbox.userToken('alice');
    const user = bot.onBehalfOf(() => token, { identity: 'alice' });
    const client = await connectMcp(user, 'issues');
    sandbox.authorizationServers.main.revokeTokens();
    expect((await client.callTool({ name: 'list_issues', arguments: {} })).isError).not.toBe(true);
    await client.close();
  });
});

describe('the audit trails name the human, the agent and the run', () => {
  it('of the bot, of the IdP, of the authorization server and of the MCP server', async () => {
    const audited: AuditRecord[] = [];
    const bot = startBot({ onEvent: auditTrail((record) => void audited.push(record)) });
    const [records, calls] = [sandbox.audit.records.length, sandbox.audit.calls.length];
    const user = bot.onBehalfOf(() => sandbox.userToken('alice'), { identity: 'account-7', run: 'run-7' });
    const client = await connectMcp(user, 'issues');
    await client.callTool({ name: 'list_issues', arguments: {} });
    await client.close();
    expect(audited).toMatchObject([
      {
        outcome: 'granted',
        user: 'account-7',
        run: 'run-7',
        subject: 'alice',
        actor: 'reporting-bot',
        principal: 'reporting-bot',
      },
    ]);
    const own = sandbox.audit.records.slice(records).filter(({ leg }) => leg !== 'authenticate');
    expect(own).toMatchObject([
      { where: 'idp', user: 'alice', principal: 'reporting-bot', actor: 'reporting-bot' },
      { where: 'as', user: 'alice', principal: 'reporting-bot', actor: 'reporting-bot' },
    ]);
    expect(callsSince(calls)).toMatchObject([
      {
        user: 'alice',
        principal: 'reporting-bot',
        actor: 'reporting-bot',
        run: 'run-7',
        tool: 'list_issues',
        granted: true,
      },
    ]);
  });

  it('with the run of each fetch, without one by default, and with only what a header may contain', async () => {
    const events: CredenceEvent[] = [];
    const bot = startBot({ onEvent: (event) => void events.push(event) });
    const call = async (run?: string | (() => string)) => {
      const start = sandbox.audit.calls.length;
      const client = await connectMcp(bot, 'issues', {
        fetch: bot.fetchFor('issues', run === undefined ? {} : { run }),
      });
      await client.callTool({ name: 'list_issues', arguments: {} });
      await client.close();
      return callsSince(start).map(({ run: stated }) => stated);
    };
    expect(await call()).toEqual([undefined]);
    expect(await call('run-1')).toEqual(['run-1']);
    expect(await call(() => `a\r\nX-Injected: 1${'b'.repeat(500)}`)).toEqual([`aX-Injected:1${'b'.repeat(115)}`]);
    expect(await call(() => '')).toEqual([undefined]);
    expect(() => bot.fetchFor('issues', { run: 'a b' })).toThrow(/fetchFor\(\{ run \}\)/u);
    const runs = events.flatMap((event) => (event.type === 'leg' && event.leg === 'call' ? [event.run] : []));
    expect(new Set(runs)).toEqual(new Set([undefined, 'run-1', `aX-Injected:1${'b'.repeat(115)}`]));
  });

  it('with the id of the run of LangChain, if loadTools has sendRunId', async () => {
    const bot = startBot();
    const runId = randomUUID();
    const calledWith = async (options: Parameters<typeof loadTools>[2], config: object) => {
      const { tools, close } = await loadTools(bot, ['issues'], options);
      const start = sandbox.audit.calls.length;
      await tools.find(({ name }) => name.endsWith('list_issues'))?.invoke({}, config);
      await close();
      return callsSince(start).map(({ run }) => run);
    };
    expect(await calledWith({}, { runId })).toEqual([undefined]);
    expect(await calledWith({ sendRunId: true }, { runId })).toEqual([runId]);
    const ofThread = {
      sendRunId: (config: { configurable?: Record<string, unknown> }) => String(config.configurable?.['thread_id']),
    };
    expect(await calledWith(ofThread, { configurable: { thread_id: 'thread-1' } })).toEqual(['thread-1']);
  });
});

describe('the users of the sandbox', () => {
  it('can be given, and their token is for the client of a principal', async () => {
    await using other = await startSandbox({
      users: { zoe: { groups: ['analysts'], grants: { issues: ['issues:read'] } } },
    });
    const bot = ServicePrincipal.fromEnv(other.principals['triage-bot'].env);
    open.push(bot);
    const user = bot.onBehalfOf(() => other.userToken('zoe', { principal: 'triage-bot' }), { identity: 'zoe' });
    expect((await user.token('documents')).scopes).toEqual(['documents:read']);
    expect((await user.token('issues')).scopes).toEqual(['issues:read']);
    await expect(other.userToken('alice')).rejects.toMatchObject({ code: 'invalid_configuration' });
    await expect(other.userToken('zoe', { principal: 'nobody' })).rejects.toThrow(/no principal "nobody"/u);
  });

  it.each<[string, object, RegExp]>([
    ['the name of a principal', { 'triage-bot': {} }, /"triage-bot" is the name of a user and of a principal/u],
    ['an unknown group', { zoe: { groups: ['nobody'] } }, /there is no such group/u],
    ['an unknown server', { zoe: { grants: { nowhere: ['x'] } } }, /nowhere/u],
    ['an unknown member', { zoe: { grant: {} } }, /users/u],
  ])('cannot have %s', async (_what, users, message) => {
    await expect(startSandbox({ users } as never)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(message),
    });
  });
});
