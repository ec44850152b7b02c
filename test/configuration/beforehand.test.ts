import { generateKeyPairSync } from 'node:crypto';
import { clientSecret, privateKeyJwt, ServicePrincipal } from '@credence/core';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { connectMcp } from '@credence/sdk-adapter';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { refusalOf } from '../support/evidence.ts';
import { startPeer } from '../support/peer.ts';
import { validOptions, withIdp, withServer } from './support/bot-options.ts';

let sandbox: Sandbox;
let bot: ServicePrincipal | undefined;

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterEach(async () => bot?.close());
afterAll(async () => sandbox.close());

/** The number of requests that all servers of the sandbox have received. */
function requestCount(): number {
  const { idp, authorizationServers, servers } = sandbox;
  return [idp, ...Object.values(authorizationServers), ...Object.values(servers)]
    .map(({ requests }) => requests.total)
    .reduce((sum, total) => sum + total, 0);
}

async function refusedWithoutRequest(action: Promise<unknown> | (() => unknown)) {
  const before = requestCount();
  const error = await refusalOf(action);
  expect(requestCount()).toBe(before);
  return error;
}

describe('the bot sends no request when', () => {
  it('the algorithm of a private key is RS256 and the key is an EC key', async () => {
    const { privateKey, clientId } = sandbox.principals['reporting-bot'];
    const error = await refusedWithoutRequest(() => privateKeyJwt({ clientId, key: privateKey, alg: 'RS256' }));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you' });
    expect(error.summary).toMatch(/RS256.*ES256|ES256.*RS256/u);
  });

  it('the key is a public key', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const error = await refusedWithoutRequest(() => privateKeyJwt({ clientId: 'bot', key: pem }));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you' });
    expect(error.remedy).toContain('private key');
  });

  it('the credential for the IdP is also the credential for an authorization server', async () => {
    const options = validOptions(sandbox);
    const shared = withServer(options, 'issues', { credential: options.idp.credential });
    const error = await refusedWithoutRequest(() => new ServicePrincipal(shared));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain('servers.issues.credential');
  });

  it('the same credential is configured for servers of two authorization servers', async () => {
    const options = validOptions(sandbox);
    const credential = clientSecret({ clientId: 'one', secret: 'for-both-of-them' });
    const shared = withServer(withServer(options, 'issues', { credential }), 'database', { credential });
    const error = await refusedWithoutRequest(() => new ServicePrincipal(shared));
    expect(error).toMatchObject({
      code: 'invalid_configuration',
      leg: 'configure',
      contact: 'you',
      server: 'database',
    });
    expect(error.message).toContain('servers.database.credential');
  });

  it.each(['http://idp.example', 'idp.example', 'https://user:pass@idp.example', 'https://idp.example?tenant=1'])(
    'the IdP issuer is %s',
    async (issuer) => {
      const error = await refusedWithoutRequest(() => new ServicePrincipal(withIdp(validOptions(sandbox), { issuer })));
      expect(error).toMatchObject({ leg: 'configure', contact: 'you' });
      expect(error.summary).toContain('idp.issuer');
      expect(error.summary).not.toContain('user:pass');
    },
  );

  it('a server name is not configured', async () => {
    bot = new ServicePrincipal(validOptions(sandbox));
    for (const action of [
      bot.token('isues'),
      () => bot?.fetchFor('isues'),
      bot.diagnose('isues'),
      connectMcp(bot, 'isues'),
    ]) {
      const error = await refusedWithoutRequest(action);
      expect(error).toMatchObject({ code: 'unknown_server', leg: 'configure', contact: 'you' });
      expect(error.message).toContain('"isues"');
      expect(error.remedy).toContain('issues, documents, database');
    }
  });

  it('a requested scope is not allowed by the configuration', async () => {
    bot = new ServicePrincipal(withServer(validOptions(sandbox), 'issues', { scopes: ['issues:read'], stepUp: [] }));
    const error = await refusedWithoutRequest(bot.token('issues', { scopes: ['issues:write'] }));
    expect(error).toMatchObject({
      code: 'scope_outside_ceiling',
      leg: 'configure',
      contact: 'you',
      missingScopes: ['issues:write'],
    });
    expect(error.remedy).toContain('servers.issues.stepUp');
  });

  it('the URL of a call has another origin than the server', async () => {
    const elsewhere = await startPeer({ '*': { body: {} } });
    try {
      bot = new ServicePrincipal(validOptions(sandbox));
      const error = await refusedWithoutRequest(bot.fetchFor('issues')(`${elsewhere.origin}/mcp`));
      expect(error).toMatchObject({ code: 'cross_origin_refused', leg: 'call', server: 'issues' });
      expect(error.remedy).toContain('servers.issues.url');
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  it('the bot is closed', async () => {
    const closed = new ServicePrincipal(validOptions(sandbox));
    const send = closed.fetchFor('issues');
    await closed.close();
    for (const action of [
      closed.token('issues'),
      send(sandbox.servers.issues.url),
      () => closed.fetchFor('issues'),
      connectMcp(closed, 'issues'),
    ]) {
      expect(await refusedWithoutRequest(action)).toMatchObject({ code: 'closed', leg: 'configure', contact: 'you' });
    }
  });
});

describe('a problem that does not stop the bot', () => {
  it('is a partial grant: the token lists the missing scopes, and the error names whom to contact', async () => {
    bot = new ServicePrincipal(
      withServer(validOptions(sandbox), 'documents', { scopes: ['documents:read', 'documents:write'] }),
    );
    const token = await bot.token('documents');
    expect(token.missingScopes).toEqual(['documents:write']);
    const diagnosis = await bot.diagnose('documents');
    expect(diagnosis).toMatchObject({ ok: true, granted: { missingScopes: ['documents:write'] } });
    expect(String(diagnosis)).toContain('"documents:write" is configured and was not granted');

    const error = await refusalOf(bot.token('documents', { scopes: ['documents:read', 'documents:write'] }));
    expect(error).toMatchObject({
      code: 'scope_not_granted',
      contact: 'idp-admin',
      missingScopes: ['documents:write'],
    });
    expect(error.remedy).toContain('Ask for "documents:write" to be granted');
  });

  it('is a tool that needs a scope outside the configuration: the call fails and names the option', async () => {
    bot = new ServicePrincipal(withServer(validOptions(sandbox), 'issues', { scopes: ['issues:read'], stepUp: [] }));
    const client = await connectMcp(bot, 'issues');
    try {
      const error = await refusalOf(client.callTool({ name: 'create_issue', arguments: { title: 'x' } }));
      expect(error).toMatchObject({
        code: 'insufficient_scope',
        leg: 'call',
        contact: 'you',
        missingScopes: ['issues:write'],
      });
      expect(error.remedy).toContain('servers.issues.stepUp');
    } finally {
      await client.close();
    }
  });

  it('is a clock that is ahead while the IdP accepts the client assertion: the diagnosis reports the difference', async () => {
    const clock = { wallMs: () => Date.now() + 3_600_000, monotonicMs: () => performance.now() };
    bot = new ServicePrincipal({ ...validOptions(sandbox), clock });
    const diagnosis = await bot.diagnose('issues');
    expect(diagnosis.ok).toBe(true);
    expect(String(diagnosis)).toMatch(/authenticate .*its clock is (?:3599|3600|3601) s behind ours/u);
  });
});
