import { ServicePrincipal } from '@credence/core';
import { mcpConnections } from '@credence/langchain';
import { type Sandbox, type SandboxOptions, startSandbox } from '@credence/sandbox';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';

// a hundred calls over HTTP can take long on a busy machine
jest.setTimeout(30_000);

let sandbox: Sandbox;
let bot: ServicePrincipal;
let client: MultiServerMCPClient | undefined;

beforeEach(async () => start());
afterEach(async () => stop());

async function start(options?: SandboxOptions) {
  sandbox = await startSandbox(options);
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
}

async function stop() {
  await client?.close();
  client = undefined;
  await bot.close();
  await sandbox.close();
}

describe('mcpConnections', () => {
  it('returns connections with which MultiServerMCPClient calls tools as the principal', async () => {
    // #region connections
    client = new MultiServerMCPClient({
      mcpServers: mcpConnections(bot, ['issues', 'documents']),
      prefixToolNameWithServerName: true,
    });
    const tools = await client.getTools();
    // #endregion
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['issues__list_issues', 'documents__read_document']),
    );
    const answer: unknown = await tools.find(({ name }) => name === 'issues__list_issues')?.invoke({});
    expect(JSON.stringify(answer)).toContain('H-101');
  });

  it('contains no secret when the configuration is printed', async () => {
    client = new MultiServerMCPClient({ mcpServers: mcpConnections(bot, ['issues']) });
    await client.getTools();
    const { value } = await bot.token('issues');
    const printed = JSON.stringify(client.config) + JSON.stringify(mcpConnections(bot, ['issues']));
    const { privateKey, servers, secretClient } = sandbox.principals['reporting-bot'];
    for (const secret of [value, privateKey, servers.issues.clientSecret, secretClient.clientSecret]) {
      expect(printed).not.toContain(secret.trim().slice(0, 40));
    }
    expect(client.config['mcpServers']).toMatchObject({
      issues: { transport: 'http', url: sandbox.servers.issues.url, automaticSSEFallback: false },
    });
  });

  it('requests one new access token for 100 calls after a revocation, and reports calls that fail', async () => {
    client = new MultiServerMCPClient({ mcpServers: mcpConnections(bot, ['issues']) });
    const list = (await client.getTools()).find(({ name }) => name === 'list_issues');
    const { requests } = sandbox.authorizationServers.main;
    const before = { as: requests.token, idp: sandbox.idp.requests.token };
    expect(sandbox.authorizationServers.main.revokeTokens()).toBe(1);

    const calls = Array.from({ length: 100 }, async () => list?.invoke({ limit: 1 }) as Promise<unknown>);
    const outcomes = await Promise.allSettled(calls);

    expect(requests.token - before.as).toBe(1);
    expect(sandbox.idp.requests.token).toBe(before.idp);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of failed)
      expect(reason).toMatchObject({ name: 'ToolException', message: expect.stringContaining('list_issues') });
    const answered = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    for (const { value } of answered) expect(JSON.stringify(value)).toContain('"total":');
    // The SDK shares one flag between concurrent calls, so some of them may fail. The number depends on timing.
    expect(answered.length).toBeGreaterThan(50);
    expect(JSON.stringify(await list?.invoke({ limit: 1 }))).toContain('"total":');
  });

  it('rejects every call of a refused server with the message of the CredenceError', async () => {
    await stop();
    await start({ singleUseIdJags: true });
    client = new MultiServerMCPClient({ mcpServers: mcpConnections(bot, ['issues']) });
    const list = (await client.getTools()).find(({ name }) => name === 'list_issues');
    const before = sandbox.idp.requests.token;
    sandbox.policy.pauseServer('issues');
    sandbox.authorizationServers.main.revokeTokens();

    const calls = Array.from({ length: 100 }, async () => list?.invoke({ limit: 1 }) as Promise<unknown>);
    const outcomes = await Promise.allSettled(calls);

    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: {
          name: 'ToolException',
          message: expect.stringMatching(/CredenceError: The IdP .* refuses the client/u),
        },
      });
    }
    // A refusal is cached for a second. On a busy machine a hundred calls take several seconds, so several exchanges are sent.
    expect(sandbox.idp.requests.token - before).toBeLessThan(20);
  });

  it('reports a refusal only for its server, and diagnose names whom to contact', async () => {
    const refused: { serverName: string; error?: unknown }[] = [];
    client = new MultiServerMCPClient({
      mcpServers: mcpConnections(bot, ['issues', 'database']),
      onConnectionError: (failure) => void refused.push(failure),
    });
    const tools = await client.getTools();
    expect(tools.map(({ name }) => name)).toContain('list_issues');
    expect(refused).toMatchObject([{ serverName: 'database', error: { name: 'MCPClientError' } }]);
    expect(String(refused[0]?.error)).toContain('CredenceError');
    const diagnosis = await bot.diagnose('database');
    expect(JSON.stringify(diagnosis)).toContain('idp-admin');
  });

  it('uses all configured servers by default, and throws for an unknown server', () => {
    expect(Object.keys(mcpConnections(bot))).toEqual([...bot.serverNames]);
    expect(() => mcpConnections(bot, ['nowhere'])).toThrow(expect.objectContaining({ code: 'unknown_server' }));
  });
});
