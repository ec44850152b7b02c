import { afterEach, describe, expect, it } from '@jest/globals';
import { refusal, serverError } from '../../../../test/support/oauth-world.ts';
import { type Bot, type BotOptions, RESOURCE, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { noClientAuth } from '../credentials/no-client-auth.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';

const started: Bot[] = [];
async function start(options?: BotOptions): Promise<Bot> {
  const bot = await startBot(options);
  started.push(bot);
  return bot;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

describe("flow: 'client-credentials'", () => {
  it('sends one request with the resource to the AS and none to the IdP', async () => {
    const { bot, world, counts } = await start({ server: { flow: 'client-credentials', scopes: ['tools:read'] } });
    expect((await bot.token('mcp')).scopes).toEqual(['tools:read']);
    expect(world.as.script.received('client-credentials')[0]?.form).toEqual({
      grant_type: 'client_credentials',
      resource: RESOURCE,
      scope: 'tools:read',
    });
    expect(counts()).toEqual({ idpMetadata: 0, authenticate: 0, exchange: 0, asMetadata: 1, redeem: 0 });
  });

  it('sends the audience and the authorization_details, and no resource with resourceParameter: omit', async () => {
    const { bot, world } = await start({
      server: {
        flow: 'client-credentials',
        scopes: ['tools:read'],
        audience: 'https://api.example',
        authorizationDetails: [{ type: 'x' }],
        resourceParameter: 'omit',
      },
    });
    expect((await bot.token('mcp')).resource).toBe(RESOURCE);
    expect(world.as.script.received('client-credentials')[0]?.form).toEqual({
      grant_type: 'client_credentials',
      scope: 'tools:read',
      audience: 'https://api.example',
      authorization_details: '[{"type":"x"}]',
    });
  });

  it.each([
    [
      'resource',
      "AADSTS901002: The 'resource' request parameter is not supported.",
      {},
      "servers.mcp.resourceParameter: 'omit'",
    ],
    [
      'audience',
      'No audience parameter was provided, and no default audience has been configured',
      {},
      'servers.mcp.audience',
    ],
    ['scope', "The request body must contain the following parameter: 'scope'.", {}, 'servers.mcp.scopes'],
  ])(
    'names the option in the remedy if the AS refuses the request because of the parameter %s',
    async (_parameter, words, server, option) => {
      const { bot, world } = await start({ server: { flow: 'client-credentials', ...server } });
      world.as.script.always('client-credentials', refusal('invalid_request', words));
      const error = await refusalOf(bot.token('mcp'));
      expect(error).toMatchObject({ leg: 'redeem', contact: 'you' });
      expect(error.remedy).toContain(option);
    },
  );

  it('throws a refusal with the leg redeem and the grant client_credentials in the message', async () => {
    const { bot, world } = await start({ server: { flow: 'client-credentials' } });
    world.as.script.always('client-credentials', refusal('unauthorized_client'));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'unauthorized_client', leg: 'redeem', contact: 'server-owner' });
    expect(error.message).toContain('client_credentials');
  });

  it('is not used by an enterprise-managed server when the IdP refuses', async () => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', refusal('access_denied', 'not for this bot'));
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'access_denied', leg: 'exchange' });
    expect(world.as.script.count('client-credentials')).toBe(0);
    expect(world.as.script.count('redeem')).toBe(0);
  });
});

describe("flow: 'workload-identity'", () => {
  const server = {
    flow: 'workload-identity',
    assertion: fromWorkloadToken(() => 'platform.jwt.here'),
    credential: noClientAuth({ clientId: 'bot-at-as' }),
  } as const;

  it('sends the JWT of the platform to the AS and to no other server', async () => {
    const { bot, world, counts } = await start({ server });
    world.as.script.always('redeem', async () => ({
      status: 200,
      body: { access_token: 'wif-token', token_type: 'Bearer', expires_in: 60 },
    }));
    expect((await bot.token('mcp')).value).toBe('wif-token');
    expect(world.as.script.received('redeem')[0]?.form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: 'bot-at-as',
      assertion: 'platform.jwt.here',
      resource: RESOURCE,
    });
    expect(counts()).toEqual({ idpMetadata: 0, authenticate: 0, exchange: 0, asMetadata: 1, redeem: 1 });
  });

  it('sends no client_id with noClientAuth(), because no client is registered', async () => {
    const { bot, world } = await start({ server: { ...server, credential: noClientAuth() } });
    world.as.script.always('redeem', async () => ({
      status: 200,
      body: { access_token: 'wif-token', token_type: 'Bearer', expires_in: 60 },
    }));
    expect((await bot.token('mcp')).value).toBe('wif-token');
    const [request] = world.as.script.received('redeem');
    expect(request?.form).not.toHaveProperty('client_id');
    expect(request?.headers.authorization).toBeUndefined();
    world.as.script.always('redeem', refusal('invalid_grant'));
    const error = await refusalOf(bot.token('mcp', { scopes: ['x'] }));
    expect(error.message).toContain('presented by this workload');
  });

  it('sends the audience, the scopes and the authorization_details', async () => {
    const { bot, world } = await start({
      server: { ...server, scopes: ['tools:read'], audience: 'api://app', authorizationDetails: [{ type: 'x' }] },
    });
    world.as.script.always('redeem', async () => ({ status: 200, body: { access_token: 'at', token_type: 'Bearer' } }));
    await bot.token('mcp');
    expect(world.as.script.received('redeem')[0]?.form).toMatchObject({
      scope: 'tools:read',
      audience: 'api://app',
      authorization_details: '[{"type":"x"}]',
    });
  });

  it.each([
    ['a refusal', refusal('invalid_grant', 'unknown workload'), 'invalid_grant'],
    ['an outage', serverError(503), 'peer_unavailable'],
  ])('sends no second request and no other grant after %s', async (_what, answer, code) => {
    const { bot, world } = await start({ server });
    world.as.script.always('redeem', answer);
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code, leg: 'redeem', contact: 'server-owner' });
    expect(world.as.script.count('redeem')).toBe(1);
    expect(world.as.script.count('client-credentials')).toBe(0);
  });

  it('throws credential_unavailable with the name of the source if the source returns no JWT', async () => {
    const { bot } = await start({ server: { ...server, assertion: fromWorkloadToken(() => '') } });
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(error.message).toContain('fromWorkloadToken');
  });
});
