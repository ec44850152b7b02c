import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { clientSecret, fromIdToken } from '@credence/core';
import { answers } from '@credence/testing';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { idJag, MCP_URL, platformToken, startVendor, success, type Vendor } from '../test-support/vendor.ts';
import { okta } from './okta.ts';
import { oktaForAgents } from './okta-for-agents.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const app = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const AS = 'https://acme.okta.com/oauth2/default';
const EXCHANGE = 'https://acme.okta.com/oauth2/v1/token';
const REDEEM = `${AS}/v1/token`;
const CLIENT = { domain: 'acme.okta.com', clientId: '0oa1', key: privateKey };
const SERVER = { url: MCP_URL, scopes: ['chat.read'] };

let vendor: Vendor | undefined;
afterEach(async () => vendor?.close());

describe('okta', () => {
  it('requests a token of a custom authorization server as Okta documents it', async () => {
    vendor = await startVendor(AS);
    vendor.answer(REDEEM, success({ members: { expires_in: 3600, scope: 'chat.read' } }));
    const bot = vendor.principal({ servers: { chat: okta(CLIENT).server(SERVER) } });
    expect(await bot.token('chat')).toMatchObject({ value: 'an-access-token', scopes: ['chat.read'], issuer: AS });
    const [form] = vendor.forms(REDEEM);
    expect(form).toEqual({
      grant_type: 'client_credentials',
      scope: 'chat.read',
      client_id: '0oa1',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: expect.any(String),
    });
    const { payload, protectedHeader } = await jwtVerify(form?.['client_assertion'] ?? '', publicKey);
    expect(payload).toMatchObject({ iss: '0oa1', sub: '0oa1', aud: REDEEM });
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT' });
  });

  it('signs with a function, such as that of a KMS', async () => {
    const key = (input: Uint8Array) => sign('sha256', input, { key: app.privateKey, dsaEncoding: 'ieee-p1363' });
    const { credential } = okta({ domain: 'acme.okta.com', clientId: '0oa1', key, alg: 'ES256' }).server(SERVER);
    const body = new URLSearchParams();
    const request = { issuer: AS, tokenEndpoint: REDEEM, body, headers: new Headers(), nowMs: Date.now() };
    await credential.authenticate(request);
    await jwtVerify(body.get('client_assertion') ?? '', app.publicKey, { audience: REDEEM });
  });

  it('exchanges the ID token of a user at the org authorization server', async () => {
    vendor = await startVendor('https://linear.example');
    vendor.answer(EXCHANGE, answers.okta.notGranted());
    const bot = vendor.principal({
      idp: okta(CLIENT).idp({ subject: fromIdToken(() => 'the-id-token') }),
      servers: {
        linear: {
          ...SERVER,
          issuer: 'https://linear.example',
          tokenEndpoint: 'https://linear.example/token',
          credential: clientSecret({ clientId: 'a', secret: 'b' }),
        },
      },
    });
    await expect(bot.token('linear')).rejects.toMatchObject({ code: 'access_denied', leg: 'exchange' });
    const [form] = vendor.forms(EXCHANGE);
    expect(form).toMatchObject({
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      audience: 'https://linear.example',
      scope: 'chat.read',
      subject_token: 'the-id-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    });
    expect(decodeJwt(form?.['client_assertion'] ?? '').aud).toBe(EXCHANGE);
  });

  it('exchanges the ID token of each user of a principal that acts only for users, and refuses to act without one', async () => {
    vendor = await startVendor(AS);
    const grant = { iss: 'https://acme.okta.com', sub: 'alice', aud: AS, client_id: '0oa1', scope: 'chat.read' };
    vendor.answer(EXCHANGE, {
      body: {
        access_token: await idJag({ ...grant, resource: MCP_URL }),
        issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
        ...answers.okta.idJag().members,
      },
    });
    vendor.answer(REDEEM, success({ members: { expires_in: 3600, scope: 'chat.read' } }));
    const preset = okta(CLIENT);
    const servers = { chat: preset.server({ ...SERVER, flow: 'enterprise-managed' }) };
    const bot = vendor.principal({ idp: preset.idp({ usersOnly: true }), servers });
    const idToken = await platformToken('0oa1');
    const alice = bot.onBehalfOf(() => idToken, { identity: 'alice', actor: 'client', missingActor: 'warn' });
    expect((await alice.token('chat')).value).toBe('an-access-token');
    expect(vendor.forms(EXCHANGE)).toEqual([expect.objectContaining({ subject_token: idToken })]);
    expect(vendor.forms(EXCHANGE)[0]).not.toHaveProperty('actor_token');
    await expect(bot.token('chat')).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('Okta documents no ID-JAG for a principal without a user'),
    });
    await expect(bot.onBehalfOf(() => idToken, { identity: 'bob' }).token('chat')).rejects.toMatchObject({
      remedy: expect.stringContaining("{ actor: 'client' }"),
    });
    expect(vendor.forms(EXCHANGE)).toHaveLength(1);
  });

  it('names what works for a principal without a user', async () => {
    expect(() => okta(CLIENT).idp()).toThrow('Okta documents no ID-JAG for a principal without a user');
    const idp = okta(CLIENT).idp({ usersOnly: true });
    const get = async () => idp.subject?.get({} as never);
    await expect(get()).rejects.toMatchObject({
      code: 'invalid_configuration',
      remedy: expect.stringContaining('oktaForAgents'),
    });
  });

  it.each([
    [{ ...CLIENT, domain: 'acme-admin.okta.com' }, 'the address of the admin console'],
    [{ ...CLIENT, domain: 'https://acme.okta.com/oauth2/default' }, 'neither a host name nor a base URL'],
    [{ ...CLIENT, domain: 'http://acme.okta.com' }, 'not an https URL'],
    [{ ...CLIENT, secret: 'the-secret' }, 'key and secret'],
    [{ domain: 'acme.okta.com', clientId: '0oa1' }, 'no credential'],
    [{ ...CLIENT, tenant: 'acme' } as never, 'no option "tenant"'],
    [{ ...CLIENT, clientId: '' }, 'the option clientId is empty'],
  ])('refuses options that are wrong (%#)', (options, message) => {
    expect(() => okta(options)).toThrow(message);
    expect(() => okta(options)).toThrow(expect.objectContaining({ code: 'invalid_configuration', leg: 'configure' }));
  });

  it('refuses a server without scopes, and a flow that Okta does not document', () => {
    expect(() => okta(CLIENT).server({ url: MCP_URL, scopes: [] })).toThrow('Okta requires scopes');
    expect(() => okta(CLIENT).server({ ...SERVER, flow: 'workload-identity' as never })).toThrow(
      'not a flow that Okta documents',
    );
  });
});

describe('oktaForAgents', () => {
  it('gets the token of the caller, exchanges it with the key of the agent, and redeems the ID-JAG', async () => {
    vendor = await startVendor(AS);
    const tokenEndpoint = REDEEM;
    vendor.document('https://acme.okta.com/.well-known/oauth-authorization-server/oauth2/default', {
      issuer: AS,
      token_endpoint: tokenEndpoint,
    });
    vendor.answer(
      tokenEndpoint,
      success(answers.okta.agentToken(), { access_token: 'the-callers-token' }),
      success({ members: { expires_in: 3600, scope: 'chat.read' } }),
    );
    const grant = await idJag({
      iss: 'https://acme.okta.com',
      sub: '0oa9',
      aud: AS,
      client_id: 'wlp1',
      resource: MCP_URL,
      scope: 'chat.read',
      act: { sub: 'wlp1', sub_profile: 'ai_agent' },
    });
    vendor.answer(EXCHANGE, {
      body: {
        access_token: grant,
        issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
        ...answers.okta.idJag().members,
      },
    });
    const preset = oktaForAgents({
      domain: 'acme.okta.com',
      clientId: 'wlp1',
      key: privateKey,
      kid: 'agent-key',
      agentUrl: 'https://reporting.acme.example',
      caller: { clientId: '0oa9', key: app.privateKey, scope: 'agent.access' },
    });
    const bot = vendor.principal({
      idp: preset.idp(),
      servers: { chat: preset.server({ ...SERVER, flow: 'enterprise-managed' }) },
    });
    expect(await bot.token('chat')).toMatchObject({ value: 'an-access-token', scopes: ['chat.read'] });

    const [callers, redeemed] = vendor.forms(tokenEndpoint);
    expect(callers).toMatchObject({
      grant_type: 'client_credentials',
      client_id: '0oa9',
      scope: 'agent.access',
      resource: 'https://reporting.acme.example',
    });
    const callerAssertion = await jwtVerify(callers?.['client_assertion'] ?? '', app.publicKey);
    expect(callerAssertion.payload.aud).toBe(tokenEndpoint);

    const [exchanged] = vendor.forms(EXCHANGE);
    expect(exchanged).toMatchObject({
      subject_token: 'the-callers-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: AS,
      scope: 'chat.read',
    });
    expect(decodeProtectedHeader(exchanged?.['client_assertion'] ?? '').kid).toBe('agent-key');
    expect(decodeJwt(exchanged?.['client_assertion'] ?? '')).toMatchObject({ iss: 'wlp1', aud: EXCHANGE });

    expect(redeemed).toMatchObject({ assertion: grant });
    expect(redeemed).not.toHaveProperty('resource');
    expect(decodeJwt(redeemed?.['client_assertion'] ?? '')).toMatchObject({ iss: 'wlp1', aud: tokenEndpoint });
  });

  it('refuses a caller without a credential, and names it', () => {
    const caller = { clientId: '0oa9', scope: 'agent.access' };
    const options = { ...CLIENT, agentUrl: 'https://reporting.acme.example', caller };
    expect(() => oktaForAgents(options)).toThrow('oktaForAgents (caller) has no credential');
  });
});
