import { TOKEN_TYPE_ACCESS_TOKEN } from '@credence/protocol';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import type { SandboxAuditRecord } from '../audit/audit-trail.ts';
import type { Sandbox } from '../sandbox.ts';
import { startSandbox } from '../start-sandbox.ts';
import { INITIALIZE, post } from '../testing/mcp-client.ts';
import { oauthBot, refusal } from '../testing/oauth-bot.ts';

let sandbox: Sandbox;
let auditRecords: SandboxAuditRecord[];

beforeEach(async () => {
  sandbox = await startSandbox();
  auditRecords = [];
  sandbox.audit.subscribe((record) => auditRecords.push(record));
});

afterEach(async () => {
  await sandbox.close();
});

/** The newest record of the audit trail. */
const lastDecision = () => auditRecords.at(-1);

describe('a change of the policy or keys while the sandbox runs', () => {
  it('removes a revoked scope from the next exchange, and returns it after a new grant', async () => {
    const bot = oauthBot(sandbox, 'triage-bot');
    expect((await bot.exchange({ server: 'issues' })).scope).toBe('issues:read issues:write');

    sandbox.policy.revokeScope('triage-bot', 'issues', 'issues:write');
    expect((await bot.exchange({ server: 'issues' })).scope).toBe('issues:read');
    const narrowed = await bot.exchange({ server: 'issues', scope: 'issues:read issues:write' });
    expect(narrowed.scope).toBe('issues:read');
    expect(lastDecision()).toMatchObject({
      granted: true,
      requestedScopes: ['issues:read', 'issues:write'],
      grantedScopes: ['issues:read'],
      reason:
        'triage-bot holds issues:read at issues (as requested); left out: issues:write is withheld from triage-bot at issues.',
    });
    await expect(refusal(bot.exchange({ server: 'issues', scope: 'issues:write' }))).resolves.toMatchObject({
      error: 'invalid_scope',
      description: expect.stringContaining('It holds: issues:read'),
    });
    expect(lastDecision()).toMatchObject({ granted: false, error: 'invalid_scope', requestedScopes: ['issues:write'] });

    sandbox.policy.grant('triage-bot', 'issues', ['issues:write']);
    expect((await bot.exchange({ server: 'issues' })).scope).toBe('issues:read issues:write');
  });

  it('applies the grants of a group to all members, including new members', async () => {
    const bot = oauthBot(sandbox, 'unapproved-bot');
    await expect(refusal(bot.exchange({ server: 'database' }))).resolves.toMatchObject({ error: 'access_denied' });
    sandbox.policy.addToGroup('unapproved-bot', 'data');
    expect((await bot.exchange({ server: 'database' })).scope).toBe('database:read');
    sandbox.policy.grant('data', 'documents', ['documents:read']);
    expect((await bot.exchange({ server: 'documents' })).scope).toBe('documents:read');
    sandbox.policy.removeFromGroup('unapproved-bot', 'data');
    await expect(refusal(bot.exchange({ server: 'documents' }))).resolves.toMatchObject({ error: 'access_denied' });
  });

  it('denies exchanges for a paused server, and leaves issued access tokens valid', async () => {
    const bot = oauthBot(sandbox, 'reporting-bot');
    const token = await bot.accessToken('documents');
    sandbox.policy.pauseServer('documents');
    await expect(refusal(bot.exchange({ server: 'documents' }))).resolves.toEqual({
      error: 'access_denied',
      description: 'Access to documents is paused. Ask the IdP administrator when it resumes.',
    });
    expect(lastDecision()).toMatchObject({
      leg: 'exchange',
      server: 'documents',
      granted: false,
      error: 'access_denied',
    });
    expect((await bot.exchange({ server: 'issues' })).scope).toBe('issues:read');
    expect((await post(sandbox.servers.documents.url, token, INITIALIZE)).status).toBe(200);

    sandbox.policy.resumeServer('documents');
    expect((await bot.exchange({ server: 'documents' })).scope).toBe('documents:read');
  });

  it('denies a disabled principal new subject tokens, and the exchange of those it has', async () => {
    const bot = oauthBot(sandbox, 'reporting-bot');
    const { access_token: token } = await bot.ownTokens();
    sandbox.policy.disablePrincipal('reporting-bot');
    await expect(refusal(bot.ownTokens())).resolves.toEqual({
      error: 'unauthorized_client',
      description: 'reporting-bot is disabled. Ask the IdP administrator to enable it.',
    });
    expect(lastDecision()).toMatchObject({
      leg: 'authenticate',
      principal: 'reporting-bot',
      granted: false,
      error: 'unauthorized_client',
      reason: expect.stringContaining('disabled'),
    });
    const subject = { token, type: TOKEN_TYPE_ACCESS_TOKEN };
    await expect(refusal(bot.exchange({ server: 'issues', subject }))).resolves.toMatchObject({
      error: 'access_denied',
    });
    expect(lastDecision()).toMatchObject({ leg: 'exchange', principal: 'reporting-bot', error: 'access_denied' });

    sandbox.policy.enablePrincipal('reporting-bot');
    expect((await bot.exchange({ server: 'issues', subject })).scope).toBe('issues:read');
  });

  it('denies subject tokens to the principal that is disabled at the start', async () => {
    await expect(refusal(oauthBot(sandbox, 'retired-bot').ownTokens())).resolves.toMatchObject({
      error: 'unauthorized_client',
    });
  });

  it('signs with a new key after a rotation, and accepts tokens that the old key signed', async () => {
    const { idp, principals } = sandbox;
    const bot = oauthBot(sandbox, 'reporting-bot');
    const { access_token: before } = await bot.exchange({ server: 'issues' });
    await bot.redeem('issues', before);
    const { id_token: idToken = '' } = await bot.ownTokens();

    const kid = await idp.rotateSigningKey();
    const { access_token: after } = await bot.exchange({
      server: 'issues',
      subject: { token: idToken, type: 'urn:ietf:params:oauth:token-type:id_token' },
    });
    expect(decodeProtectedHeader(after).kid).toBe(kid);
    expect(decodeProtectedHeader(before).kid).not.toBe(kid);
    // the authorization server has cached the old key set and must fetch it again for the new key
    await bot.redeem('issues', after);
    await bot.redeem('issues', before);
    const keys = createRemoteJWKSet(new URL(idp.jwksUri));
    const audience = principals['reporting-bot'].servers.issues.issuer;
    for (const idJag of [before, after]) await jwtVerify(idJag, keys, { issuer: idp.issuer, audience });
  });

  it('refuses access tokens at once after they are revoked, and accepts all others', async () => {
    const { authorizationServers, servers } = sandbox;
    const reporting = oauthBot(sandbox, 'reporting-bot');
    const triage = oauthBot(sandbox, 'triage-bot');
    const [issues, documents, others] = await Promise.all([
      reporting.accessToken('issues'),
      reporting.accessToken('documents'),
      triage.accessToken('issues'),
    ]);
    const isAccepted = async (url: string, token: string) => (await post(url, token, INITIALIZE)).status === 200;

    expect(authorizationServers.main.revokeTokens({ principal: 'reporting-bot', server: 'issues' })).toBe(1);
    expect(await isAccepted(servers.issues.url, issues)).toBe(false);
    expect(await isAccepted(servers.documents.url, documents)).toBe(true);
    expect(await isAccepted(servers.issues.url, others)).toBe(true);
    expect(authorizationServers.main.revokeTokens({ principal: 'analytics-bot' })).toBe(0);
    expect(authorizationServers.main.revokeTokens()).toBe(2);
    expect(await isAccepted(servers.documents.url, documents)).toBe(false);
    expect(await isAccepted(servers.issues.url, others)).toBe(false);
  });

  it('records a failed client authentication with the name of the principal', async () => {
    const { clientId } = sandbox.principals['triage-bot'].secretClient;
    const response = await fetch(sandbox.idp.tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: 'guess-guess',
      }),
    });
    expect(response.status).toBe(401);
    expect(lastDecision()).toMatchObject({
      leg: 'authenticate',
      principal: 'triage-bot',
      granted: false,
      error: 'invalid_client',
      reason: expect.stringMatching(/secret/u),
    });
    expect(JSON.stringify(auditRecords)).not.toContain('guess-guess');
  });
});
