/**
 * A web application whose users are signed in at the IdP. For each request it acts for the user: the MCP server sees the user as the subject and
 * the bot as the actor. Run: npx tsx examples/on-behalf-of.ts
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AuditRecord, auditTrail, isCredenceError, ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { connectMcp } from '@credence/sdk-adapter';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const enterprise = await startSandbox();
const me = enterprise.principals['reporting-bot'];
const audited: AuditRecord[] = [];

// #region on-behalf-of
const bot = ServicePrincipal.fromEnv(me.env, { onEvent: auditTrail((record) => audited.push(record)) });
const keys = createRemoteJWKSet(new URL(enterprise.idp.jwksUri));

// Opens an issue for the user who sends the request, and returns who opened it.
async function openIssue(request: IncomingMessage): Promise<{ user: string; author: unknown }> {
  const idToken = request.headers.authorization?.replace(/^Bearer /u, '') ?? '';
  // The application verifies the token first, as it does for every request.
  const { payload } = await jwtVerify(idToken, keys, { issuer: enterprise.idp.issuer, audience: me.clientId });
  const identity = String(payload.sub); // or the key of the user in the application's own database
  const user = bot.onBehalfOf(() => idToken, { identity, run: randomUUID() });
  try {
    const client = await connectMcp(user, 'issues'); // or loadTools(user), mcpTransport(user, 'issues'), user.fetchFor('issues')
    const { structuredContent } = await client.callTool({
      name: 'create_issue',
      arguments: { title: `A question of ${identity}` },
    });
    await client.close();
    return { user: identity, author: Object(structuredContent)['author'] };
  } finally {
    await user.close(); // ends the calls of this request; the bot stays open
  }
}
// #endregion

const app = createServer((request, response) => void answer(request, response));
await new Promise<void>((resolve) => void app.listen(0, '127.0.0.1', resolve));
const { port } = app.address() as AddressInfo;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = await openIssue(request);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  } catch (error) {
    response
      .writeHead(isCredenceError(error) ? 502 : 401)
      .end(isCredenceError(error) ? error.summary : 'Sign in first.');
  }
}

async function send(token: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/issues`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: response.status, text: await response.text() };
}

const [alice, bob] = [await enterprise.userToken('alice'), await enterprise.userToken('bob')];
// The requests of two users are interleaved.
const answers = await Promise.all(Array.from({ length: 10 }, (_each, index) => send(index % 2 === 0 ? alice : bob)));
for (const [index, { status, text }] of answers.entries()) {
  const user = index % 2 === 0 ? 'alice' : 'bob';
  assert.deepEqual({ status, text }, { status: 200, text: JSON.stringify({ user, author: user }) });
}
console.log(`10 requests of two users were answered; each issue has its user as author.`);

assert.equal((await send(`${alice.slice(0, -8)}AAAAAAAA`)).status, 401);
const refused = await send(await enterprise.userToken('mallory'));
assert.equal(refused.status, 502);
console.log(`mallory has no grant: ${refused.text}`);

// Both audit trails say who the human is, who the agent is, and which run.
const granted = audited.filter(({ outcome }) => outcome === 'granted');
for (const { user, principal, subject, actor, run } of granted) {
  assert.deepEqual({ subject, actor, principal }, { subject: user, actor: me.name, principal: me.clientId });
  assert.ok(run);
}
for (const { user, principal, actor, run } of enterprise.audit.calls) {
  assert.deepEqual({ principal, actor }, { principal: me.name, actor: me.name });
  assert.ok(user === 'alice' || user === 'bob');
  assert.ok(run);
}
const [call] = enterprise.audit.calls;
console.log(`the server recorded: user ${call?.user}, agent ${call?.actor}, run ${call?.run}`);

await bot.close();
app.close();
app.closeAllConnections();
await enterprise.close();
