import {
  accessMiddleware,
  type AccessMiddlewareOptions,
  type LoadedTools,
  loadTools,
  principalPool,
  refusalOf,
} from '@credence/langchain';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { createAgent, tool } from 'langchain';
import { z } from 'zod';
import { type ScriptedCall, scriptedModel } from '../support/agent-script.ts';
import { type LangchainWorld, listed, type ScriptedServer, startLangchainWorld } from '../support/langchain-world.ts';

let world: LangchainWorld;
let issues: ScriptedServer;
let notes: ScriptedServer;
/** Whether the server of the notes answers. */
let isUp: boolean;
/** The tools that the server of the issues lists. */
let issueTools: object[];

const answering = (text: string) => () => ({ result: { content: [{ type: 'text', text }] } });
const scopeMissing = (scope: string) => ({
  http: { status: 403, headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` } },
});

beforeAll(async () => {
  world = await startLangchainWorld();
  issues = await world.serve({
    'tools/list': () => ({ result: { tools: issueTools } }),
    'tools/call': ({ params: { name } }) =>
      name === 'close' ? scopeMissing('issues:admin') : answering(`called ${String(name)}`)(),
  });
  notes = await world.serve({
    initialize: () => (isUp ? { result: {} } : { http: { status: 503 } }),
    'tools/list': () => ({ result: { tools: [listed('read')] } }),
    'tools/call': answering('a note'),
  });
});
beforeEach(() => {
  isUp = true;
  issueTools = [listed('list'), listed('close')];
});
afterAll(async () => world.close());

/** A tool of the application, during whose call something changes at the servers. */
function meanwhile(change: () => unknown, loaded: LoadedTools) {
  const run = async () => {
    change();
    await loaded.reload();
    return 'done';
  };
  return tool(run, { name: 'meanwhile', description: 'changes something', schema: z.object({}) });
}

interface Setting {
  /** The tools that are passed to `createAgent`. */
  readonly registered?: readonly (LoadedTools['tools'][number] | ReturnType<typeof meanwhile>)[];
  readonly options?: AccessMiddlewareOptions;
  readonly context?: { readonly principal: string };
}

/** Runs an agent. Resolves to what the model got before each of its answers, and to the answers of the tools. */
async function run(setting: Setting, ...steps: readonly (readonly ScriptedCall[])[]) {
  const { registered = [], options, context } = setting;
  const model = scriptedModel(...steps);
  const offered: string[][] = [];
  const bindTools = model.bindTools.bind(model);
  model.bindTools = (bound) => {
    offered.push(bound.map((each) => each.name));
    return bindTools(bound);
  };
  const agent = createAgent({
    model,
    tools: [...registered],
    middleware: [accessMiddleware(options)],
    systemPrompt: 'You are a bot.',
  });
  const answers: ToolMessage[] = [];
  const input = { messages: [new HumanMessage('go')] };
  const stream = await agent.stream(input, { streamMode: 'updates', ...(context && { context }) });
  for await (const chunk of stream) {
    const update: unknown = 'tools' in chunk ? chunk['tools'] : undefined;
    if (update === undefined) continue;
    answers.push(...(update as { messages: ToolMessage[] }).messages);
  }
  const prompts = model.calls.map(({ messages }) =>
    messages
      .filter((each) => SystemMessage.isInstance(each))
      .map((each) => each.text)
      .join('|'),
  );
  return { offered, prompts, answers };
}

const list = [{ name: 'issues__list' }];
const close = { name: 'issues__close' };
const both = () => ({ issues: issues.url, notes: notes.url });
const callsOf = (server: ScriptedServer) => server.received('tools/call').length;

describe('the option tools of accessMiddleware', () => {
  it('offers tools that join after createAgent, and calls them', async () => {
    isUp = false;
    const loaded = await world.load(both(), { retry: false });
    const { offered, prompts, answers } = await run(
      {
        registered: [...loaded.tools, meanwhile(() => (isUp = true), loaded)],
        options: { tools: loaded },
      },
      [{ name: 'meanwhile' }],
      [{ name: 'notes__read' }],
    );
    expect(offered).toEqual([
      ['issues__list', 'issues__close', 'meanwhile'],
      ['issues__list', 'issues__close', 'meanwhile', 'notes__read'],
      ['issues__list', 'issues__close', 'meanwhile', 'notes__read'],
    ]);
    expect(answers.map(({ text }) => text)).toEqual(['done', 'a note']);
    expect(prompts[0]).toMatch(/^You are a bot\.\n\n[^]*"notes"[^]*Who can help/u);
    expect(prompts.slice(1)).toEqual(['You are a bot.', 'You are a bot.']);
  });

  it('neither offers nor calls a tool that has gone', async () => {
    const loaded = await world.load({ issues: issues.url });
    const { offered, answers } = await run(
      {
        registered: [...loaded.tools, meanwhile(() => (issueTools = [listed('close')]), loaded)],
        options: { tools: loaded },
      },
      [{ name: 'meanwhile' }],
      list,
    );
    expect(offered.at(-1)).toEqual(['issues__close', 'meanwhile']);
    expect(answers[1]).toMatchObject({ status: 'error', artifact: { type: 'credence-denial', rule: 'tools' } });
  });

  it('takes the tools of the principal of the run, and calls no tool of another by its name', async () => {
    const loaded = { a: await world.load(both()), b: await world.load({ notes: notes.url }) };
    const options: AccessMiddlewareOptions = {
      tools: ({ context }) => loaded[(context as { principal: 'a' | 'b' }).principal],
    };
    const before = callsOf(issues);
    const calls = [[...list, { name: 'notes__read' }]];
    const [ofA, ofB] = await Promise.all([
      run({ registered: loaded.a.tools, options, context: { principal: 'a' } }, ...calls),
      run({ registered: loaded.a.tools, options, context: { principal: 'b' } }, ...calls),
    ]);
    expect(ofA.offered[0]).toEqual(['issues__list', 'issues__close', 'notes__read']);
    expect(ofA.answers.map(({ status }) => status)).toEqual(['success', 'success']);
    expect(ofB.offered[0]).toEqual(['notes__read']);
    expect(ofB.answers.map(({ text }) => text).toSorted()).toEqual([
      'The tool issues__list is not available to this agent. Continue without it.',
      'a note',
    ]);
    expect(callsOf(issues)).toBe(before + 1);
  });

  it('takes the tools of a pool, and a run without a key ends before the model is called', async () => {
    const pool = principalPool({ create: () => world.bot(both()) });
    const options = { tools: pool.toolsFor };
    const { offered, answers } = await run({ options, context: { principal: 'tenant-a' } }, list);
    expect(offered[0]).toContain('notes__read');
    expect(answers[0]?.text).toBe('called list');
    await expect(run({ options }, list)).rejects.toMatchObject({ cause: { code: 'no_principal' } });
    await pool.close();
  });

  it('does not let a server take the name of a tool of the application', async () => {
    const loaded = await world.load({ issues: issues.url });
    const own = tool(() => 'of the application', { name: 'issues__list', description: 'own', schema: z.object({}) });
    const model = scriptedModel(list);
    const agent = createAgent({ model, tools: [own], middleware: [accessMiddleware({ tools: loaded })] });
    const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] });
    expect(messages.find((message) => ToolMessage.isInstance(message))?.text).toBe('of the application');
  });

  it.each([{ tools: 'issues' }, { tools: {} }])('throws for %j', (options) => {
    expect(() => accessMiddleware(options as unknown as AccessMiddlewareOptions)).toThrow(
      expect.objectContaining({ code: 'invalid_configuration' }),
    );
  });
});

describe('a refusal of the same kind', () => {
  const full = /needs.*Who can help: the operator of this agent/u;
  const brief = /^Refused for the same reason as before \(insufficient_scope\)/u;

  it('is told in full once in a run, and then briefly, with the whole refusal in the artifact', async () => {
    const loaded = await world.load({ issues: issues.url });
    const setting = { registered: loaded.tools, options: { hideRefusedForMs: 0 } };
    const { answers } = await run(setting, [close, close], [close]);
    expect(answers.map(({ text }) => full.test(text))).toEqual([true, false, false]);
    expect(answers.map(({ text }) => brief.test(text))).toEqual([false, true, true]);
    for (const answer of answers) {
      expect(refusalOf(answer)?.error).toMatchObject({ code: 'insufficient_scope', missingScopes: ['issues:admin'] });
    }
    const again = await run(setting, [close]);
    expect(again.answers[0]?.text).toMatch(full);
  });

  it('hides the tool, and a call by its name is refused without a request', async () => {
    const loaded = await world.load({ issues: issues.url });
    const before = callsOf(issues);
    const { offered, answers } = await run({ registered: loaded.tools }, [close], [close], list);
    expect(offered.map((names) => names.includes('issues__close'))).toEqual([true, false, false, false]);
    expect(answers[1]?.text).toMatch(brief);
    expect(refusalOf(answers[1])?.error).toEqual(refusalOf(answers[0])?.error);
    expect(callsOf(issues)).toBe(before + 2);
  });

  it('of one principal hides no tool of another, also if both call the same tool of a pool', async () => {
    const pool = principalPool({ create: () => world.bot({ issues: issues.url }) });
    const middleware = accessMiddleware();
    const agent = createAgent({
      model: scriptedModel([close], [close]),
      tools: await pool.tools('a'),
      middleware: [middleware],
    });
    const other = createAgent({
      model: scriptedModel([close]),
      tools: await pool.tools('a'),
      middleware: [middleware],
    });
    const invoke = async (which: typeof agent, principal: string) =>
      (await which.invoke({ messages: [new HumanMessage('go')] }, { context: { principal } })).messages.filter((each) =>
        ToolMessage.isInstance(each),
      );
    const before = callsOf(issues);
    expect((await invoke(agent, 'a')).map(({ text }) => brief.test(text))).toEqual([false, true]);
    expect((await invoke(other, 'b')).map(({ text }) => full.test(text))).toEqual([true]);
    expect(callsOf(issues)).toBe(before + 2);
    await pool.close();
  });

  it('is told in full each time if it is temporary', async () => {
    const loaded = await world.load({ notes: notes.url });
    await loaded.close();
    const { answers } = await run({ registered: loaded.tools }, [{ name: 'notes__read' }], [{ name: 'notes__read' }]);
    expect(answers.map(({ text }) => text.includes('were closed'))).toEqual([true, true]);
  });
});

describe('hideUnusable', () => {
  const schemes = (...scopes: string[]) => ({ _meta: { securitySchemes: [{ type: 'oauth2', scopes }] } });
  const hidden = async (options?: AccessMiddlewareOptions) => {
    const loaded = await world.load({ issues: issues.url });
    const { offered } = await run({ registered: loaded.tools, ...(options && { options }) });
    return loaded.tools.map(({ name }) => name).filter((name) => !offered[0]?.includes(name));
  };

  it('hides tools for want of a scope before the first turn, and they cannot be called', async () => {
    issueTools = [listed('list', schemes('tools:read')), listed('close', schemes('tools:read', 'issues:admin'))];
    expect(await hidden({ hideUnusable: true })).toEqual(['issues__close']);
    expect(await hidden()).toEqual([]);

    const loaded = await world.load({ issues: issues.url });
    const before = callsOf(issues);
    const { answers } = await run({ registered: loaded.tools, options: { hideUnusable: true } }, [close]);
    expect(answers[0]).toMatchObject({ status: 'error', artifact: { type: 'credence-denial', rule: 'hideUnusable' } });
    expect(answers[0]?.text).toContain('needs a scope that this agent does not have');
    expect(callsOf(issues)).toBe(before);
  });

  it('hides no tool whose scope a step-up may add', async () => {
    issueTools = [listed('list'), listed('close', schemes('tools:write'))];
    const loaded = await loadTools(world.bot({ issues: issues.url }, { stepUp: ['tools:write'] }));
    world.onClose(loaded.close);
    const { offered } = await run({ registered: loaded.tools, options: { hideUnusable: true } });
    expect(offered[0]).toEqual(['issues__list', 'issues__close']);
  });

  it.each<[string, object]>([
    ['says nothing', {}],
    [
      'says that a tool needs no token',
      { _meta: { securitySchemes: [{ type: 'oauth2', scopes: ['x'] }, { type: 'noauth' }] } },
    ],
    [
      'names a scope that the bot has as an alternative',
      {
        _meta: {
          securitySchemes: [
            { type: 'oauth2', scopes: ['x'] },
            { type: 'oauth2', scopes: ['tools:read'] },
          ],
        },
      },
    ],
    ['uses a scheme that is not known', { _meta: { securitySchemes: [{ type: 'mtls' }] } }],
    ['writes no list', { _meta: { securitySchemes: { type: 'oauth2', scopes: ['x'] } } }],
    ['writes scopes that are none', { _meta: { securitySchemes: [{ type: 'oauth2', scopes: ['a b'] }] } }],
    [
      'writes too many',
      { _meta: { securitySchemes: Array.from({ length: 101 }, () => ({ type: 'oauth2', scopes: ['x'] })) } },
    ],
  ])('hides no tool of a server that %s', async (_what, more) => {
    issueTools = [listed('list', more)];
    expect(await hidden({ hideUnusable: true })).toEqual([]);
  });
});
