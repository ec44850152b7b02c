import { accessMiddleware, type AccessMiddlewareOptions, type LoadedTools, refusalOf, type RunConfig } from '@credence/langchain';
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

const answers = (text: string) => () => ({ result: { content: [{ type: 'text', text }] } });
const forbidden = (scope: string) => ({
  http: { status: 403, headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` } },
});

beforeAll(async () => {
  world = await startLangchainWorld();
  issues = await world.serve({
    'tools/list': () => ({ result: { tools: issueTools } }),
    'tools/call': ({ params: { name } }) => (name === 'close' ? forbidden('issues:admin') : answers(`called ${String(name)}`)()),
  });
  notes = await world.serve({
    'initialize': () => (isUp ? { result: {} } : { http: { status: 503 } }),
    'tools/list': () => ({ result: { tools: [listed('read')] } }),
    'tools/call': answers('a note'),
  });
});
beforeEach(() => {
  isUp = true;
  issueTools = [listed('list'), listed('close')];
});
afterAll(async () => world.close());

/** Runs an agent. Resolves to what the model got before each of its answers, and to the answers of the tools. */
async function run(
  { tools = [], ...options }: Omit<AccessMiddlewareOptions, 'tools'> & { tools?: Parameters<typeof createAgent>[0]['tools'] } & {
    of?: AccessMiddlewareOptions['tools'];
  },
  steps: readonly (readonly ScriptedCall[])[],
  { context, beforeStep }: { context?: object; beforeStep?: (step: number) => Promise<unknown> } = {},
) {
  const model = scriptedModel(...steps);
  const offered: string[][] = [];
  const prompts: string[] = [];
  const bindTools = model.bindTools.bind(model);
  model.bindTools = (bound) => {
    offered.push(bound.map((each) => each.name));
    return bindTools(bound);
  };
  const { of, ...rest } = options;
  const middleware = accessMiddleware({ ...rest, ...(of && { tools: of }) });
  const agent = createAgent({ model, tools: tools ?? [], middleware: [middleware], systemPrompt: 'You are a bot.' });
  const messages: unknown[] = [];
  let step = 0;
  const stream = await agent.stream({ messages: [new HumanMessage('go')] }, { streamMode: 'updates', ...(context && { context }) });
  for await (const chunk of stream) {
    for (const update of Object.values(chunk as Record<string, { messages?: unknown[] }>)) messages.push(...(update.messages ?? []));
    if ('tools' in chunk) await beforeStep?.((step += 1));
  }
  for (const { messages: seen } of model.calls) {
    prompts.push(seen.filter((each) => SystemMessage.isInstance(each)).map((each) => each.text).join('|'));
  }
  return { offered, prompts, answers: messages.filter((each) => ToolMessage.isInstance(each)) };
}

describe('accessMiddleware', () => {
  it('probe', async () => {
    const loaded = await world.load({ issues: issues.url, notes: notes.url });
    console.log(await run({ of: loaded }, [[{ name: 'issues__list' }]]));
  });
});
void tool; void z; void refusalOf;
export type { LoadedTools, RunConfig };
