/**
 * An MCP server written with `fastmcp` that accepts the tokens of a resource authorization server, once with sessions and once without. A
 * bot calls it while its token is revoked. Run it with `npm ci --prefix examples/frameworks`, then
 * `npx tsx examples/frameworks/fastmcp-server.ts`.
 */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { clientSecret, privateKeyJwt, ServicePrincipal } from '@credence/core';
import { accessTokenGate, accessTokenVerifier } from '@credence/resource-server';
import { connectMcp } from '@credence/sdk-adapter';
import { FastMCP } from 'fastmcp';
import { startAuthorizationServer } from '../support/authorization-server.ts';
import { startIdentityProvider } from '../support/identity-provider.ts';

/** A free port of this machine. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

// fastmcp prints a line for each stream and each session that ends.
const quiet = { debug() {}, error() {}, info() {}, log() {}, warn() {} };
console.debug = console.info = () => undefined;
const { log } = console;
console.log = (...texts: unknown[]) => {
  if (!String(texts[0]).startsWith('[mcp-proxy]')) log(...texts);
};

const idp = await startIdentityProvider();

for (const stateless of [false, true]) {
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  const as = await startAuthorizationServer({ idpIssuer: idp.issuer, resource });
  const { issuer, serverSecret } = as;

  // #region server
  const gate = accessTokenGate({
    verifier: accessTokenVerifier({
      issuer,
      resource,
      introspection: { clientId: 'mcp-server', clientSecret: serverSecret },
    }),
    resourceMetadataUrl: `http://127.0.0.1:${port}/.well-known/oauth-protected-resource`,
    scope: 'issues:read',
  });

  /** Which principal opened which session: fastmcp accepts a session id of anyone. Without sessions this is not needed. */
  const owners = new Map<string, string>();

  /** fastmcp calls this for each request. A Response that it throws is the answer. */
  async function authenticate({ method = 'GET', url = '/', headers }: IncomingMessage) {
    const { authorization = '', dpop = '', 'mcp-session-id': session } = headers;
    const outcome = await gate(
      new Request(new URL(url, resource), {
        method,
        headers: { ...(authorization && { authorization }), ...(dpop && { dpop: String(dpop) }) },
      }),
    );
    // oxlint-disable-next-line typescript/only-throw-error -- fastmcp wants it so
    if (outcome instanceof Response) throw outcome;
    const principal = `${outcome.clientId} ${outcome.extra.subject}`;
    if (typeof session === 'string') {
      // oxlint-disable-next-line typescript/only-throw-error -- fastmcp wants it so
      if ((owners.get(session) ?? principal) !== principal) throw new Response(null, { status: 404 });
      owners.set(session, principal);
      if (method === 'DELETE') owners.delete(session);
    }
    return { ...outcome };
  }

  const server = new FastMCP({
    name: 'issues',
    version: '1.0.0',
    authenticate,
    oauth: { enabled: true, protectedResource: { resource, authorizationServers: [issuer] } },
    logger: quiet,
  });
  server.addTool({
    name: 'whoami',
    description: 'Returns who is calling',
    execute: async (_, { session }) => JSON.stringify({ subject: session?.extra.subject, scopes: session?.scopes }),
  });
  await server.start({ transportType: 'httpStream', httpStream: { port, host: '127.0.0.1', stateless } });
  // #endregion

  const bot = new ServicePrincipal({
    idp: { issuer: idp.issuer, credential: privateKeyJwt(idp.credential) },
    servers: {
      issues: {
        url: resource,
        issuer,
        credential: clientSecret({ clientId: 'bot-at-as', secret: as.botSecret }),
        scopes: ['issues:read'],
      },
    },
  });
  const client = await connectMcp(bot, 'issues');
  const before = await bot.token('issues');
  const credentials = Buffer.from(`bot-at-as:${encodeURIComponent(as.botSecret)}`).toString('base64');
  const revoked = await fetch(`${issuer}/token/revocation`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ token: before.value }),
  });
  assert.equal(revoked.status, 200);

  // Twenty calls at the same time with the revoked token: one new token serves all of them, and no call fails.
  const answers = await Promise.all(Array.from({ length: 20 }, async () => client.callTool({ name: 'whoami' })));
  console.log(stateless ? 'without sessions:' : 'with sessions:', JSON.stringify(answers[0]));
  for (const answer of answers) assert.match(JSON.stringify(answer), /reporting-bot/u);
  assert.notEqual((await bot.token('issues')).value, before.value);

  const unauthenticated = await fetch(resource, { method: 'POST', body: '{}' });
  assert.equal(unauthenticated.status, 401);
  assert.match(
    unauthenticated.headers.get('www-authenticate') ?? '',
    /resource_metadata="[^"]+oauth-protected-resource"/u,
  );

  await client.close();
  await bot.close();
  await server.stop();
  await as.close();
}
await idp.close();
