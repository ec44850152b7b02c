/**
 * The story of Credence, told by a run: an agent that works as a service principal reaches the servers its organisation
 * granted it, is refused a third with a sentence that says whom to ask, and goes on when its tokens are revoked under it.
 * Runs by `npm run demo`.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { loadTools } from '@credence/langchain';
import { type SandboxAuditRecord, startSandbox } from '@credence/sandbox';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';

const colours = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = (text: string) => paint(1, text);
const dim = (text: string) => paint(2, text);
const good = (text: string) => paint(32, text);
const bad = (text: string) => paint(31, text);
const say = (text = '') => console.log(text);

say(bold('1. The enterprise'));
const enterprise = await startSandbox();
const { idp, servers, authorizationServers, principals, audit } = enterprise;
const nameOf = new Map([
  [idp.issuer, 'the IdP'],
  [authorizationServers.main.issuer, 'the authorization server "main"'],
  [authorizationServers.research.issuer, 'the authorization server "research"'],
]);
say(`   ${idp.issuer}  the IdP: knows the bots, decides who may reach what`);
for (const [name, server] of Object.entries(servers)) {
  say(`   ${server.url}  MCP server "${name}", guarded by "${server.authorizationServer}"`);
}
say(
  '   All of it on loopback. The bot has a key at the IdP and one credential at each authorization server: no browser, no',
);
say('   API key, no consent screen.');

const decisions: SandboxAuditRecord[] = [];
audit.subscribe((record) => {
  decisions.push(record);
  const asked = record.requestedScopes.length > 0 ? ` (${record.requestedScopes.join(' ')})` : '';
  const about = record.server === undefined ? '' : ` for "${record.server}"`;
  const does = record.leg === 'authenticate' ? 'signs in at' : 'asks';
  const outcome = record.granted
    ? good(`granted ${record.grantedScopes.join(' ')}`.trim())
    : bad(`refused (${record.error ?? 'error'})`);
  say(
    `   ${dim(record.leg.padEnd(12))} ${record.principal} ${does} ${nameOf.get(record.issuer)}${about}${asked}: ${outcome}`,
  );
  say(`   ${' '.repeat(12)} ${dim(record.reason)}`);
});

say(`\n${bold('2. reporting-bot loads the tools of three servers')}`);
const bot = ServicePrincipal.fromEnv(principals['reporting-bot'].env);
const { tools, failures, close } = await loadTools(bot, ['issues', 'documents', 'database']);
say(`   It has ${tools.length} tools: ${tools.map(({ name }) => name).join(', ')}`);
for (const { server, error } of failures) {
  say(`   ${bad(`"${server}" is closed to it`)}: ${error.message}`);
  say(`   What to do: ${error.remedy}`);
  say(`   Whom to ask: ${error.contact} (leg: ${error.leg})`);
}

say(`\n${bold('3. An agent works with them')}`);
const incident = () => {
  say(`\n   ${bold('Meanwhile an administrator revokes every token of the bot.')}`);
  const revoked = authorizationServers.main.revokeTokens({ principal: 'reporting-bot' });
  say(`   ${revoked} tokens are dead. The agent knows nothing of it and goes on:`);
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
  .respond(new AIMessage('Here is the report: what is open, and what is written about it.'));
const agent = createAgent({ model, tools });

const results: ToolMessage[] = [];
for await (const update of await agent.stream(
  { messages: [new HumanMessage('Report on open issues and the documents about them.')] },
  { streamMode: 'updates' },
)) {
  for (const { messages = [] } of Object.values(update)) {
    for (const message of [messages].flat()) {
      if (ToolMessage.isInstance(message)) {
        results.push(message);
        const answer = message.text.replaceAll(/\s+/gu, ' ').slice(0, 110);
        say(`   ${message.status === 'error' ? bad('refused ') : good('answered')}     ${message.name}: ${answer}`);
      } else if (AIMessage.isInstance(message)) {
        const calls = (message.tool_calls ?? []).map(({ name, args }) => `${name}(${JSON.stringify(args)})`);
        say(`   ${bold('agent')}        ${calls.length > 0 ? `calls ${calls.join(', ')}` : message.text}`);
      }
    }
  }
}

await close();
await bot.close();
await enterprise.close();

say(`\n${bold('4. What happened')}`);
const denied = decisions.filter(({ granted }) => !granted);
say(`   ${decisions.length} decisions, each in the audit trail; ${denied.length} of them a refusal, with its reason.`);
say('   No call was lost to the revocation, no secret was shown to the model, and nothing left this machine.');

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
