/**
 * Many tenants in one process: each run of an agent passes the key of its tenant, and its tool calls carry the tokens of that tenant's
 * principal. Runs of two tenants are in progress at the same time. Run it with `npx tsx examples/langchain-tenants.ts`.
 */
import assert from 'node:assert/strict';
import { auditTrail, type AuditRecord, credenceErrorIn, isCredenceError, ServicePrincipal } from '@credence/core';
import { accessMiddleware, principalPool } from '@credence/langchain';
import { startSandbox } from '@credence/sandbox';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent } from 'langchain';
import { z } from 'zod';

const enterprise = await startSandbox();
const audited: AuditRecord[] = [];
const onEvent = auditTrail((record) => audited.push(record));
/** Where your program looks up the credentials of a tenant. */
const tenants = new Map([
  ['acme', enterprise.principals['reporting-bot'].env],
  ['globex', enterprise.principals['triage-bot'].env],
]);

// #region pool
const pool = principalPool({
  create(key) {
    const env = tenants.get(key);
    if (!env) throw new Error('unknown tenant'); // this run ends with unknown_principal; other runs are not affected
    return ServicePrincipal.fromEnv(env, { label: key, onEvent });
  },
  servers: ['issues'],
  maxIdle: 100, // principals without a call in progress; the one that was used least recently is closed first
  onEvict: (key, reason) => console.log(`closed the principal of ${key}: ${reason}`),
});
// #endregion

// #region agent
const context = z.object({ principal: z.string() });
const agent = createAgent({
  model: scriptedModel(),
  contextSchema: context,
  middleware: [accessMiddleware({ tools: pool.toolsFor })], // each run gets the tools of its tenant
});

/** Called for each request, after your program knows whose request it is. */
async function answer(tenant: string, question: string) {
  const { messages } = await agent.invoke(
    { messages: [new HumanMessage(question)] },
    { context: { principal: tenant } }, // the key; no token and no principal is part of the run
  );
  return messages;
}
// #endregion

// #region graph
const graph = new StateGraph(MessagesAnnotation, context)
  .addNode('tools', new ToolNode(await pool.tools('acme'))) // names, texts and schemas of acme's tools; calls as the run's tenant
  .addEdge('__start__', 'tools')
  .compile();
// #endregion

const asked = ['acme', 'globex', 'acme', 'globex', 'globex', 'acme'];
const unknown = answer('nobody', 'Open an issue: nobody').catch(credenceErrorIn);
const results = await Promise.all(
  asked.map(async (tenant, index) => answer(tenant, `Open an issue: ${tenant} ${index}`)),
);
const answers = results.map((messages) => messages.find((message) => ToolMessage.isInstance(message))?.text ?? '');
for (const [index, text] of answers.entries()) {
  console.log(`${asked[index]}: ${text.replaceAll(/\s+/gu, ' ').slice(0, 120)}`);
}
const call = { type: 'tool_call', id: 'list', name: 'issues__list_issues', args: {} } as const;
const listing = { messages: [new AIMessage({ content: '', tool_calls: [call] })] };
const { messages: listed } = await graph.invoke(listing, { context: { principal: 'globex' } });
await pool.close();
await enterprise.close();

const bots: Readonly<Record<string, string>> = { acme: 'reporting-bot', globex: 'triage-bot' };
for (const [index, tenant] of asked.entries()) {
  const bot = bots[tenant];
  assert.match(answers[index] ?? '', new RegExp(`"author": "${bot}"`, 'u'), `${tenant} opens issues as ${bot}`);
}
const refusal = await unknown;
assert.ok(isCredenceError(refusal) && refusal.code === 'unknown_principal', 'an unknown tenant is refused');
assert.match(listed.at(-1)?.text ?? '', /globex 3/u, 'the graph has listed the issues');
assert.deepEqual(
  new Set(audited.filter(({ outcome }) => outcome === 'granted').map(({ label }) => label)),
  new Set(['acme', 'globex']),
  'the audit trail says for which tenant a token was issued',
);
console.log('All checks passed.');

/** A model that opens an issue with the title that it was asked for. A real model is used in the same way. */
function scriptedModel() {
  const model = fakeModel();
  for (let turn = 0; turn < 12; turn += 1) {
    model.respond((seen) => {
      const last = seen.at(-1);
      if (ToolMessage.isInstance(last)) return new AIMessage('done');
      const title = last?.text.replace('Open an issue: ', '') ?? '';
      const id = `call-${title.replace(' ', '-')}`;
      const args = { title, body: 'Opened by an agent.' };
      return new AIMessage({
        content: '',
        tool_calls: [{ type: 'tool_call', id, name: 'issues__create_issue', args }],
      });
    });
  }
  return model;
}
