import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import {
  GRANT_JWT_BEARER,
  GRANT_PROFILE_ID_JAG,
  GRANT_TOKEN_EXCHANGE,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_REFRESH_TOKEN,
} from './oauth-world/identifiers.ts';
import {
  editMembers,
  expiresIn,
  type Forgery,
  grantedScope,
  htmlPage,
  invalidClient,
  type OAuthWorld,
  OAuthRefusal,
  otherIssuer,
  otherResource,
  redirect,
  refusal,
  serverError,
  startOAuthWorld,
  tooManyRequests,
} from './oauth-world.ts';

const RESOURCE = 'https://mcp.example/mcp';
const INSECURE = { [oauth.allowInsecureRequests]: true };
const N_A: oauth.RecognizedTokenTypes = { n_a: () => undefined };

let world: OAuthWorld;
beforeEach(async () => {
  world = await startOAuthWorld();
  world.as.protect(RESOURCE);
});
afterEach(async () => {
  await world.close();
});

/** The client of these tests is oauth4webapi, an independent implementation. */
async function discover(issuer: string): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...INSECURE });
  return oauth.processDiscoveryResponse(url, response);
}

function atIdp(): { client: oauth.Client; authentication: oauth.ClientAuth } {
  const { clientId, secret = '' } = world.idpClient;
  return { client: { client_id: clientId }, authentication: oauth.ClientSecretBasic(secret) };
}

function atAs(): { client: oauth.Client; authentication: oauth.ClientAuth } {
  const { clientId, secret = '' } = world.asClient;
  return { client: { client_id: clientId }, authentication: oauth.ClientSecretPost(secret) };
}

async function ownToken(): Promise<string> {
  const { client, authentication } = atIdp();
  const idp = await discover(world.idp.issuer);
  const response = await oauth.clientCredentialsGrantRequest(idp, client, authentication, {}, INSECURE);
  return (await oauth.processClientCredentialsResponse(idp, client, response)).access_token;
}

async function exchangeResponse(parameters: Record<string, string> = {}): Promise<Response> {
  const { client, authentication } = atIdp();
  const subject =
    parameters['subject_token'] === undefined
      ? { subject_token: await ownToken(), subject_token_type: TOKEN_TYPE_ACCESS_TOKEN }
      : {};
  return oauth.genericTokenEndpointRequest(
    await discover(world.idp.issuer),
    client,
    authentication,
    GRANT_TOKEN_EXCHANGE,
    {
      requested_token_type: TOKEN_TYPE_ID_JAG,
      audience: world.as.issuer,
      resource: RESOURCE,
      ...subject,
      ...parameters,
    },
    INSECURE,
  );
}

async function exchange(parameters: Record<string, string> = {}): Promise<oauth.TokenEndpointResponse> {
  const idp = await discover(world.idp.issuer);
  const response = await exchangeResponse(parameters);
  return oauth.processGenericTokenEndpointResponse(idp, atIdp().client, response, { recognizedTokenTypes: N_A });
}

async function redeemResponse(assertion: string, parameters: Record<string, string> = {}): Promise<Response> {
  const { client, authentication } = atAs();
  return oauth.genericTokenEndpointRequest(
    await discover(world.as.issuer),
    client,
    authentication,
    GRANT_JWT_BEARER,
    { assertion, ...parameters },
    INSECURE,
  );
}

async function redeem(
  assertion: string,
  parameters: Record<string, string> = {},
): Promise<oauth.TokenEndpointResponse> {
  const as = await discover(world.as.issuer);
  const response = await redeemResponse(assertion, parameters);
  return oauth.processGenericTokenEndpointResponse(as, atAs().client, response);
}

function refusedWith(error: string): unknown {
  return expect.objectContaining({ error });
}

describe('the scripted IdP and authorization server, without a script,', () => {
  test('issue a token for the bot, exchange it for an ID-JAG and redeem that for an access token', async () => {
    const idJag = await exchange({ scope: 'tools:read' });
    expect(idJag).toMatchObject({
      token_type: 'n_a',
      issued_token_type: TOKEN_TYPE_ID_JAG,
      scope: 'tools:read',
      resource: RESOURCE,
    });
    expect(decodeProtectedHeader(idJag.access_token)).toMatchObject({ typ: 'oauth-id-jag+jwt', alg: 'ES256' });
    expect(decodeJwt(idJag.access_token)).toEqual({
      iss: world.idp.issuer,
      sub: 'bot-at-idp',
      aud: world.as.issuer,
      client_id: 'bot-at-as',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      resource: RESOURCE,
      scope: 'tools:read',
    });
    const token = await redeem(idJag.access_token, { resource: RESOURCE });
    expect(token).toMatchObject({ token_type: 'bearer', expires_in: 300, scope: 'tools:read', resource: RESOURCE });
    expect(world.as.verify(token.access_token)).toMatchObject({ clientId: 'bot-at-as', scopes: ['tools:read'] });
    world.as.revoke(token.access_token);
    expect(world.as.verify(token.access_token)).toBeUndefined();
  });

  test('count the requests of each leg', async () => {
    await redeem((await exchange()).access_token);
    expect(world.idp.script.count('authenticate')).toBe(1);
    expect(world.idp.script.count('exchange')).toBe(1);
    expect(world.as.script.count('redeem')).toBe(1);
    expect(world.as.script.received('redeem')[0]?.form).toMatchObject({ client_id: 'bot-at-as' });
  });

  test('list their profiles in the metadata, also if the issuer has a path', async () => {
    const below = await startOAuthWorld({ idp: { issuerPath: '/t/acme' }, as: { issuerPath: '/as' } });
    try {
      expect(await discover(below.idp.issuer)).toMatchObject({
        issuer: below.idp.issuer,
        identity_chaining_requested_token_types_supported: [TOKEN_TYPE_ID_JAG],
      });
      expect(await discover(below.as.issuer)).toMatchObject({
        issuer: below.as.issuer,
        authorization_grant_profiles_supported: [GRANT_PROFILE_ID_JAG],
      });
      const openId = await fetch(`${below.idp.issuer}/.well-known/openid-configuration`);
      expect(await openId.json()).toMatchObject({ issuer: below.idp.issuer });
    } finally {
      await below.close();
    }
  });

  test.each([
    ['an ID token', TOKEN_TYPE_ID_TOKEN, () => world.idp.idToken({ audience: 'bot-at-idp', subject: 'alice' })],
    ['a refresh token', TOKEN_TYPE_REFRESH_TOKEN, async () => world.idp.refreshToken('bot-at-idp', 'alice')],
  ])('exchange %s', async (_name, subjectTokenType, subjectToken) => {
    const { access_token } = await exchange({
      subject_token: await subjectToken(),
      subject_token_type: subjectTokenType,
    });
    expect(decodeJwt(access_token).sub).toBe('alice');
  });

  test('refuse an ID token that was issued to another client', async () => {
    const subject_token = await world.idp.idToken({ audience: 'someone-else' });
    await expect(exchange({ subject_token, subject_token_type: TOKEN_TYPE_ID_TOKEN })).rejects.toEqual(
      refusedWith('invalid_grant'),
    );
  });

  test('refuse another requested token type, an unknown audience and a denied scope', async () => {
    await expect(exchange({ requested_token_type: TOKEN_TYPE_ACCESS_TOKEN })).rejects.toEqual(
      refusedWith('invalid_request'),
    );
    await expect(exchange({ audience: 'https://other.example' })).rejects.toEqual(refusedWith('invalid_target'));
    await expect(exchange({ scope: 'admin' })).rejects.toEqual(refusedWith('invalid_scope'));
  });

  test('apply a changed policy', async () => {
    world.idp.setPolicy(() => {
      throw new OAuthRefusal('access_denied', 'the server is paused');
    });
    await expect(exchange()).rejects.toEqual(refusedWith('access_denied'));
    world.idp.setPolicy(() => ['tools:read']);
    expect(await exchange({ scope: 'tools:read tools:write' })).toMatchObject({ scope: 'tools:read' });
  });

  test('redeem an ID-JAG again, unless ID-JAGs are single-use', async () => {
    const { access_token } = await exchange();
    await redeem(access_token);
    await redeem(access_token);
    world.as.setSingleUse(true);
    await expect(redeem(access_token)).rejects.toEqual(refusedWith('invalid_grant'));
  });

  test('refuse a scope or a resource that the ID-JAG does not contain', async () => {
    const { access_token } = await exchange({ scope: 'tools:read' });
    await expect(redeem(access_token, { scope: 'tools:write' })).rejects.toEqual(refusedWith('invalid_scope'));
    world.as.protect('https://other.example/mcp');
    await expect(redeem(access_token, { resource: 'https://other.example/mcp' })).rejects.toEqual(
      refusedWith('invalid_target'),
    );
  });

  test('accept an ID-JAG of an old key only while that key is published', async () => {
    const { access_token } = await exchange();
    await world.idp.rotateKey({ keepOld: true });
    await redeem(access_token);
    await world.idp.rotateKey();
    await expect(redeem(access_token)).rejects.toEqual(refusedWith('invalid_grant'));
    await redeem((await exchange()).access_token);
  });

  test('refuse an ID-JAG that was issued to another client', async () => {
    const { access_token } = await exchange();
    world.as.clients.register({ clientId: 'thief', secret: 'loot' });
    const as = await discover(world.as.issuer);
    const thief = { client_id: 'thief' };
    const response = await oauth.genericTokenEndpointRequest(
      as,
      thief,
      oauth.ClientSecretPost('loot'),
      GRANT_JWT_BEARER,
      { assertion: access_token },
      INSECURE,
    );
    await expect(oauth.processGenericTokenEndpointResponse(as, thief, response)).rejects.toEqual(
      refusedWith('invalid_grant'),
    );
  });

  test('issue access tokens for client_credentials only to confidential clients', async () => {
    const as = await discover(world.as.issuer);
    const { client, authentication } = atAs();
    const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, INSECURE);
    const token = await oauth.processClientCredentialsResponse(as, client, response);
    expect(token.scope).toBe('tools:read tools:write');
    world.as.clients.register({ clientId: 'public' });
    const open = { client_id: 'public' };
    const refused = await oauth.clientCredentialsGrantRequest(as, open, oauth.None(), {}, INSECURE);
    await expect(oauth.processClientCredentialsResponse(as, open, refused)).rejects.toEqual(
      refusedWith('unauthorized_client'),
    );
  });
});

describe('client authentication', () => {
  test('by private_key_jwt needs the registered key, and accepts an assertion once', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    world.idp.clients.register({ clientId: 'keyed', keys: [await exportJWK(publicKey)] });
    const idp = await discover(world.idp.issuer);
    const keyed = { client_id: 'keyed' };
    const response = await oauth.clientCredentialsGrantRequest(
      idp,
      keyed,
      oauth.PrivateKeyJwt(privateKey),
      {},
      INSECURE,
    );
    await expect(oauth.processClientCredentialsResponse(idp, keyed, response)).resolves.toMatchObject({
      token_type: 'bearer',
    });
    const replayed = await fetch(world.idp.tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams(world.idp.script.received('authenticate')[0]?.form),
    });
    expect(replayed.status).toBe(401);
    expect(await replayed.json()).toEqual(refusedWith('invalid_client'));
    const stranger = await generateKeyPair('ES256');
    const wrong = await oauth.clientCredentialsGrantRequest(
      idp,
      keyed,
      oauth.PrivateKeyJwt(stranger.privateKey),
      {},
      INSECURE,
    );
    await expect(oauth.processClientCredentialsResponse(idp, keyed, wrong)).rejects.toEqual(
      refusedWith('invalid_client'),
    );
  });

  test('with a wrong secret is refused with invalid_client, and with a challenge if the header was used', async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials' });
    const authorization = `Basic ${Buffer.from('bot-at-idp:wrong').toString('base64')}`;
    const byHeader = await fetch(world.idp.tokenEndpoint, { method: 'POST', headers: { authorization }, body });
    expect(byHeader.status).toBe(401);
    expect(byHeader.headers.get('www-authenticate')).toMatch(/^Basic/);
    expect(await byHeader.json()).toEqual(refusedWith('invalid_client'));
    body.set('client_id', 'bot-at-idp');
    body.set('client_secret', 'wrong');
    const byBody = await fetch(world.idp.tokenEndpoint, { method: 'POST', body });
    expect(byBody.status).toBe(401);
    expect(byBody.headers.get('www-authenticate')).toBeNull();
    await byBody.text();
  });
});

describe('a forged ID-JAG is refused by the authorization server if it has', () => {
  const forgeries: readonly (readonly [string, Forgery])[] = [
    ['alg none', { signature: 'none' }],
    ['a key that is not published', { signature: 'unpublished-key' }],
    ['another typ', { header: (header) => ({ ...header, typ: 'JWT' }) }],
    ['another audience', { claims: (claims) => ({ ...claims, aud: 'https://other.example' }) }],
    ['two audiences', { claims: (claims) => ({ ...claims, aud: [claims['aud'], 'https://other.example'] }) }],
    ['another client_id', { claims: (claims) => ({ ...claims, client_id: 'other' }) }],
    ['another issuer', { claims: (claims) => ({ ...claims, iss: 'https://other.example' }) }],
    ['an expiry in the past', { claims: (claims) => ({ ...claims, exp: 1 }) }],
    ['no jti', { claims: (claims) => ({ ...claims, jti: undefined }) }],
  ];

  test.each(forgeries)('%s', async (_name, forgery) => {
    world.idp.forge(forgery);
    const { access_token } = await exchange();
    await expect(redeem(access_token)).rejects.toEqual(refusedWith('invalid_grant'));
    world.idp.forge();
    await redeem((await exchange()).access_token);
  });
});

describe('an ID-JAG', () => {
  test('without a resource is redeemed for the resource of the request', async () => {
    world.idp.forge({ claims: (claims) => ({ ...claims, resource: undefined }) });
    const { access_token } = await exchange();
    expect(decodeJwt(access_token)).not.toHaveProperty('resource');
    expect(await redeem(access_token, { resource: RESOURCE })).toMatchObject({ resource: RESOURCE });
  });
});

describe('a script', () => {
  test('with once replaces one answer each, in order', async () => {
    world.idp.script.once('exchange', tooManyRequests(2), serverError(503));
    const subject = { subject_token: await ownToken(), subject_token_type: TOKEN_TYPE_ACCESS_TOKEN };
    const limited = await exchangeResponse(subject);
    expect(limited.status).toBe(429);
    expect(limited.headers.get('retry-after')).toBe('2');
    const failed = await exchangeResponse(subject);
    expect(failed.status).toBe(503);
    expect(world.idp.issued).toHaveLength(0);
    const honest = await exchangeResponse(subject);
    expect(honest.status).toBe(200);
    expect(world.idp.issued).toHaveLength(1);
    expect(world.idp.script.count('exchange')).toBe(3);
    await Promise.all([limited, failed, honest].map((response) => response.text()));
  });

  test('with always replaces every answer until reset', async () => {
    world.as.script.always('metadata', otherIssuer('https://evil.example'));
    await expect(discover(world.as.issuer)).rejects.toThrow();
    await expect(discover(world.as.issuer)).rejects.toThrow();
    world.as.script.reset();
    await discover(world.as.issuer);
  });

  test('changes the resource, the scope and the lifetime of an answer', async () => {
    world.as.script.once(
      'redeem',
      otherResource('https://other.example/mcp'),
      grantedScope('tools:read'),
      expiresIn('300'),
      editMembers({ access_token: undefined }),
    );
    const { access_token } = await exchange();
    const answers: unknown[] = [];
    for (let turn = 0; turn < 4; turn += 1) answers.push(await (await redeemResponse(access_token)).json());
    expect(answers[0]).toMatchObject({ resource: 'https://other.example/mcp', scope: 'tools:read tools:write' });
    expect(answers[1]).toMatchObject({ resource: RESOURCE, scope: 'tools:read' });
    expect(answers[2]).toMatchObject({ expires_in: '300' });
    expect(answers[3]).not.toHaveProperty('access_token');
  });

  test('answers with HTML pages and redirects instead of JSON', async () => {
    world.as.script.once('metadata', htmlPage(), redirect('https://evil.example/'));
    const url = `${world.as.issuer}/.well-known/oauth-authorization-server`;
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('Please sign in');
    const moved = await fetch(url, { redirect: 'manual' });
    expect(moved.status).toBe(302);
    expect(moved.headers.get('location')).toBe('https://evil.example/');
  });

  test('refuses with a challenge and a body, or with any error description', async () => {
    const { access_token } = await exchange();
    world.as.script.once('redeem', invalidClient(), refusal('invalid_grant', 'line\nbreak\u001b[31m'));
    const challenged = await redeemResponse(access_token);
    expect(challenged.status).toBe(401);
    expect(challenged.headers.get('www-authenticate')).toMatch(/^Basic/);
    expect(await challenged.json()).toEqual(refusedWith('invalid_client'));
    const forged = await redeemResponse(access_token);
    expect(await forged.json()).toEqual({ error: 'invalid_grant', error_description: 'line\nbreak\u001b[31m' });
  });
});
