/**
 * A LangChain agent runs as a service principal. It uses the two MCP servers that its organisation granted it. The IdP refuses
 * a third, and the error names whom to contact. The agent continues to work after its access tokens are revoked.
 * Run it with `npm run demo`.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { loadTools } from '@credence/langchain';
import { type SandboxAuditRecord, startSandbox } from '@credence/sandbox';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';
import * as z from 'zod';

const colours = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = (text: string) => paint(1, text);
const dim = (text: string) => paint(2, text);
const good = (text: string) => paint(32, text);
const bad = (text: string) => paint(31, text);
const log = (text = '') => console.log(text);

log(bold('1. The enterprise'));
const enterprise = await startSandbox();
const { idp, servers, authorizationServers, principals, audit } = enterprise;
const nameOf = new Map([
  [idp.issuer, 'the IdP'],
  [authorizationServers.main.issuer, 'the authorization server "main"'],
  [authorizationServers.research.issuer, 'the authorization server "research"'],
]);
log(`   ${idp.issuer}  the IdP: authenticates the bots and decides which server each may use`);
for (const [name, server] of Object.entries(servers)) {
  log(`   ${server.url}  MCP server "${name}", guarded by "${server.authorizationServer}"`);
}
log(
  '   All servers run on loopback. The bot has a key at the IdP and one credential at each authorization server: no browser,',
);
log('   no API key, no consent screen.');

const DOES = {
  authenticate: 'authenticates at',
  exchange: 'requests an ID-JAG from',
  redeem: 'requests an access token from',
};
const decisions: SandboxAuditRecord[] = [];
audit.subscribe((record) => {
  decisions.push(record);
  const scopes = record.requestedScopes.length > 0 ? ` (${record.requestedScopes.join(' ')})` : '';
  const target = record.server === undefined ? '' : ` for "${record.server}"`;
  const does = DOES[record.leg];
  const outcome = record.granted
    ? good(`granted ${record.grantedScopes.join(' ')}`.trim())
    : bad(`refused (${record.error ?? 'error'})`);
  log(
    `   ${dim(record.leg.padEnd(12))} ${record.principal} ${does} ${nameOf.get(record.issuer)}${target}${scopes}: ${outcome}`,
  );
  log(`   ${' '.repeat(12)} ${dim(record.reason)}`);
});

log(`\n${bold('2. reporting-bot loads the tools of three servers')}`);
const bot = ServicePrincipal.fromEnv(principals['reporting-bot'].env);
const { tools, failures, close } = await loadTools(bot, ['issues', 'documents', 'database']);
log(`   It has ${tools.length} tools: ${tools.map(({ name }) => name).join(', ')}`);
for (const { server, error } of failures) {
  log(`   ${bad(`"${server}" is not granted to it`)}: ${error.message}`);
  log(`   What to do: ${error.remedy}`);
  log(`   Whom to ask: ${error.contact} (leg: ${error.leg})`);
}

log(`\n${bold('3. An agent uses the tools')}`);
const incident = () => {
  log(`\n   ${bold('Meanwhile an administrator revokes every token of the bot.')}`);
  const revoked = authorizationServers.main.revokeTokens({ principal: 'reporting-bot' });
  log(`   ${revoked} tokens are revoked. The agent does not know this and continues:`);
};
const turn =
  (id: string, name: string, args: Record<string, unknown>, before = () => {}) =>
  () => {
    before();
    return new AIMessage({ content: '', tool_calls: [{ type: 'tool_call', id, name, args }] });
  };
const model = fakeModel()
  .respond(turn('1', 'issues__list_issues', {}))
  .respond(turn('2', 'documents__list_documents', {}))
  .respond(turn('3', 'issues__search_issues', { text: 'sensor' }, incident))
  .respond(new AIMessage('Here is the report on open issues and the documents about them.'));
const agent = createAgent({ model, tools });

/** The titles of the issues or documents in the JSON text of a tool's result. */
const titlesIn = (json: string) => {
  const Result = z.record(z.string(), z.array(z.object({ title: z.string() })).catch([]));
  return Object.values(Result.parse(JSON.parse(json))).flatMap((items) => items.map(({ title }) => title));
};

const results: ToolMessage[] = [];
for await (const update of await agent.stream(
  { messages: [new HumanMessage('Report on open issues and the documents about them.')] },
  { streamMode: 'updates' },
)) {
  for (const { messages = [] } of Object.values(update)) {
    for (const message of [messages].flat()) {
      if (ToolMessage.isInstance(message)) {
        results.push(message);
        if (message.status === 'error') log(`   ${bad('refused')}      ${message.name}: ${message.text}`);
        else log(`   ${good('answered')}     ${message.name}: ${titlesIn(message.text).join('; ')}`);
      } else if (AIMessage.isInstance(message)) {
        const calls = (message.tool_calls ?? []).map(({ name, args }) => `${name}(${JSON.stringify(args)})`);
        log(`   ${bold('agent')}        ${calls.length > 0 ? `calls ${calls.join(', ')}` : message.text}`);
      }
    }
  }
}

await close();
await bot.close();
await enterprise.close();

log(`\n${bold('4. What happened')}`);
const denied = decisions.filter(({ granted }) => !granted);
log(
  `   ${decisions.length} decisions, each in the audit trail with its reason; ${denied.length} of them refused a request.`,
);
log('   No call failed because of the revocation, the model received no secret, and no request left this machine.');

assert.deepEqual(
  failures.map(({ server, error }) => [server, error.leg, error.contact]),
  [['database', 'exchange', 'idp-admin']],
);
assert.deepEqual(
  results.map(({ name, status }) => [name, status]),
  [
    ['issues__list_issues', 'success'],
    ['documents__list_documents', 'success'],
    ['issues__search_issues', 'success'],
  ],
);
