import { CredenceError, ServicePrincipal } from '@credence/core';
import { loadTools, type LoadedTools, refusalOf } from '@credence/langchain';
import { type Sandbox, type SandboxOptions, startSandbox } from '@credence/sandbox';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';

// a hundred calls over HTTP can take long on a busy machine
jest.setTimeout(30_000);

let sandbox: Sandbox;
let bot: ServicePrincipal;
const opened: LoadedTools[] = [];

beforeEach(async () => start());

async function start(options?: SandboxOptions) {
  sandbox = await startSandbox(options);
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
}

/** Starts a new sandbox with single-use ID-JAGs, so that every new access token needs a request to the IdP. */
async function startWithSingleUse() {
  await stop();
  await start({ singleUseIdJags: true });
}

afterEach(async () => stop());

async function stop() {
  await Promise.all(opened.splice(0).map(async ({ close }) => close()));
  await bot.close();
  await sandbox.close();
}

async function load(...args: Parameters<typeof loadTools> extends [unknown, ...infer Rest] ? Rest : never) {
  const loaded = await loadTools(bot, ...args);
  opened.push(loaded);
  return loaded;
}

function named({ tools }: LoadedTools, name: string): LoadedTools['tools'][number] {
  const found = tools.find((tool) => tool.name === name);
  if (!found) throw new Error(`no tool ${name} among ${tools.map((tool) => tool.name).join(', ')}`);
  return found;
}

/** A model that makes these calls one after the other, and then answers `done`. */
function scripted(...calls: { name: string; args: Record<string, unknown>; before?: () => void }[]) {
  const model = fakeModel();
  for (const [index, { name, args, before }] of calls.entries()) {
    model.respond(() => {
      before?.();
      return new AIMessage({ content: '', tool_calls: [{ type: 'tool_call', id: `call-${index}`, name, args }] });
    });
  }
  return model.respond(new AIMessage('done'));
}

function toolMessages(result: { messages: unknown[] }): ToolMessage[] {
  return result.messages.filter((message) => ToolMessage.isInstance(message));
}

describe.each(['v1', 'v2'] as const)('loadTools with SDK %s', (sdk) => {
  it('loads the tools of granted servers, and reports the others with a remedy and a contact', async () => {
    const { tools, failures } = await load(['issues', 'documents', 'database'], { sdk });

    expect(tools.map(({ name }) => name)).toEqual([
      'issues__list_issues',
      'issues__get_issue',
      'issues__search_issues',
      'issues__create_issue',
      'documents__list_documents',
      'documents__read_document',
      'documents__search_documents',
    ]);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({
      server: 'database',
      error: { code: 'access_denied', leg: 'exchange', contact: 'idp-admin', error: 'access_denied' },
    });
    expect(failures[0]?.error.remedy).toContain('Ask for');
  });

  it('returns tools that an agent can call', async () => {
    const { tools } = await load(['issues', 'documents'], { sdk });
    const model = scripted(
      { name: 'issues__list_issues', args: { limit: 2 } },
      { name: 'documents__list_documents', args: {} },
    );
    const result = await createAgent({ model, tools }).invoke({ messages: [new HumanMessage('report')] });

    const [issues, documents] = toolMessages(result);
    expect(issues?.status).toBe('success');
    expect(issues?.text).toContain('"issues"');
    expect(documents?.status).toBe('success');
    expect(result.messages.at(-1)?.text).toBe('done');
  });

  it('passes a refusal to the model as text and to the application as artifact, and the run continues', async () => {
    await startWithSingleUse();
    const { tools } = await load(['issues', 'documents'], { sdk });
    const model = scripted(
      { name: 'issues__list_issues', args: {} },
      {
        name: 'issues__list_issues',
        args: {},
        before() {
          sandbox.policy.pauseServer('issues');
          expect(sandbox.authorizationServers.main.revokeTokens({ server: 'issues' })).toBe(1);
        },
      },
      { name: 'documents__list_documents', args: {} },
    );
    const result = await createAgent({ model, tools }).invoke({ messages: [new HumanMessage('report')] });

    const [before, refused, after] = toolMessages(result);
    expect(before?.status).toBe('success');
    expect(refused).toMatchObject({ status: 'error', tool_call_id: 'call-1', name: 'issues__list_issues' });
    const artifact = refusalOf(refused);
    expect(artifact?.error).toMatchObject({ name: 'CredenceError', leg: 'exchange', contact: 'idp-admin' });
    expect(refused?.text).toContain(artifact?.error['message']);
    expect(refused?.text).toContain(artifact?.error['remedy']);
    expect(refused?.text).toContain("the identity provider's administrator");
    // only the artifact contains the error_description of the IdP
    const errorDescription = String(artifact?.error['errorDescription']);
    expect(errorDescription.length).toBeGreaterThan(10);
    expect(refused?.text).not.toContain(errorDescription);
    expect(refused?.text).not.toMatch(/fix your mistakes/iu);
    expect(after?.status).toBe('success');
    expect(result.messages.at(-1)?.text).toBe('done');
  });

  it('throws an error with the CredenceError as cause if a tool is called directly', async () => {
    await startWithSingleUse();
    const loaded = await load(['issues'], { sdk });
    sandbox.policy.revokeScope('reporting-bot', 'issues', 'issues:read');
    sandbox.policy.revokeScope('reporting-bot', 'issues', 'issues:write');
    sandbox.authorizationServers.main.revokeTokens({ principal: 'reporting-bot' });

    const error = await named(loaded, 'issues__list_issues')
      .invoke({})
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ToolException' });
    const { cause } = error as Error;
    expect(cause).toBeInstanceOf(CredenceError);
    expect(cause).toMatchObject({ leg: 'exchange', server: 'issues' });
  });

  it("throws in the run of the agent with onRefused: 'throw'", async () => {
    await startWithSingleUse();
    const loaded = await load(['issues'], { sdk, onRefused: 'throw' });
    sandbox.policy.pauseServer('issues');
    sandbox.authorizationServers.main.revokeTokens();
    const call = { type: 'tool_call', id: '1', name: 'issues__list_issues', args: {} } as const;

    await expect(named(loaded, 'issues__list_issues').invoke(call)).rejects.toMatchObject({
      name: 'ToolException',
      cause: { name: 'CredenceError', code: 'access_denied' },
    });
  });

  it('does not change an error of the tool itself', async () => {
    const loaded = await load(['issues'], { sdk });
    const model = scripted({ name: 'issues__get_issue', args: { id: 'H-0' } });
    const result = await createAgent({ model, tools: loaded.tools }).invoke({ messages: [new HumanMessage('report')] });

    const [answer] = toolMessages(result);
    expect(answer?.status).toBe('error');
    expect(answer?.text).toContain('There is no issue H-0. Use list_issues or search_issues to find one.');
    expect(refusalOf(answer)).toBeUndefined();
    await expect(named(loaded, 'issues__get_issue').invoke({ id: 'H-0' })).rejects.toThrow('There is no issue H-0');
  });

  it('requests an additional scope for a tool that needs it', async () => {
    const loaded = await load(['issues'], { sdk });
    const created: unknown = await named(loaded, 'issues__create_issue').invoke({ title: 'Found by the report' });
    expect(JSON.stringify(created)).toContain('reporting-bot');
    expect(sandbox.servers.issues.requests.forbidden).toBe(1);
  });

  it('requests one new access token for 100 calls after a revocation, and no call fails', async () => {
    const loaded = await load(['issues'], { sdk });
    const tool = named(loaded, 'issues__list_issues');
    const main = sandbox.authorizationServers.main;
    const before = { as: main.requests.token, idp: sandbox.idp.requests.token };
    main.revokeTokens();

    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => tool.invoke({ limit: 1 }) as Promise<unknown>),
    );

    expect(answers.filter((answer) => JSON.stringify(answer).includes('issues'))).toHaveLength(100);
    expect(main.requests.token - before.as).toBe(1);
    expect(sandbox.idp.requests.token - before.idp).toBeLessThanOrEqual(1);
  });

  it('opens one new session for 20 calls after the session is lost, and runs each call once', async () => {
    const loaded = await load(['issues'], { sdk });
    const tool = named(loaded, 'issues__create_issue');
    await tool.invoke({ title: 'before' });
    const { requests } = sandbox.servers.issues;
    expect(await sandbox.servers.issues.dropSessions()).toBe(1);
    const before = { calls: requests.toolCalls, lost: requests.sessionNotFound, posts: requests.post };

    const titles = Array.from({ length: 20 }, (_, index) => `issue number ${index}`);
    await Promise.all(titles.map(async (title) => tool.invoke({ title }) as Promise<unknown>));

    const search: unknown = await named(loaded, 'issues__search_issues').invoke({ text: 'issue number', limit: 100 });
    expect(JSON.parse(String(search))).toMatchObject({ total: 20 });
    expect(requests.sessionNotFound - before.lost).toBeGreaterThanOrEqual(1);
    expect(await sandbox.servers.issues.dropSessions()).toBe(1);
  });

  it('rejects calls with the code closed after close, and close can be called twice', async () => {
    const loaded = await load(['issues'], { sdk });
    await Promise.all([loaded.close(), loaded.close()]);
    await loaded.close();
    expect(sandbox.servers.issues.requests.delete).toBe(1);
    await expect(named(loaded, 'issues__list_issues').invoke({})).rejects.toMatchObject({ cause: { code: 'closed' } });
  });
});

describe('loadTools', () => {
  it('loads all configured servers by default, and reports an unknown server without throwing', async () => {
    const { tools, failures } = await load();
    expect(tools).toHaveLength(7);
    expect(failures.map(({ server }) => server)).toEqual(['database']);

    const unknown = await load(['nowhere']);
    expect(unknown.tools).toEqual([]);
    expect(unknown.failures).toMatchObject([{ server: 'nowhere', error: { code: 'unknown_server', contact: 'you' } }]);
  });

  it('throws for an unknown option', async () => {
    // @ts-expect-error not an option
    await expect(load(['issues'], { onrefused: 'throw' })).rejects.toMatchObject({ code: 'invalid_configuration' });
  });

  it('loads a server once if it is named twice or by its URL', async () => {
    const { tools, failures } = await load(['issues', sandbox.servers.issues.url, 'issues']);
    expect(failures).toEqual([]);
    expect(tools).toHaveLength(4);
  });
});
