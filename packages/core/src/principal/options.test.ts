import { afterEach, describe, expect, it } from '@jest/globals';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { noClientAuth } from '../credentials/no-client-auth.ts';
import { memoryStore } from '../store/memory-store.ts';
import { fromIdToken } from '../subjects/from-id-token.ts';
import { ownToken } from '../subjects/own-token.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';
import type { ServicePrincipalOptions } from './options.ts';
import { ServicePrincipal } from './service-principal.ts';

const idpCredential = clientSecret({ clientId: 'bot', secret: 'idp-s3cret' });
const asCredential = clientSecret({ clientId: 'bot', secret: 'as-s3cret' });
const IDP = { issuer: 'https://acme.okta.com', credential: idpCredential };
const SERVER = { url: 'https://mcp.linear.app/mcp', issuer: 'https://linear.app', credential: asCredential };
const workload = fromWorkloadToken(() => 'jwt', { identity: 'ci' });
const GOOD: ServicePrincipalOptions = { idp: IDP, servers: { linear: SERVER } };

const opened: ServicePrincipal[] = [];
function principal(options: unknown): ServicePrincipal {
  const bot = new ServicePrincipal(options as ServicePrincipalOptions);
  opened.push(bot);
  return bot;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (bot) => bot.close()));
});

const server = (over: object) => ({ ...GOOD, servers: { linear: { ...SERVER, ...over } } });
const idp = (over: object) => ({ ...GOOD, idp: { ...IDP, ...over } });

describe('options', () => {
  it('that are valid create a principal with the configured servers and without a request', () => {
    const bot = principal({
      ...GOOD,
      servers: { linear: SERVER, 'docs.v2': { ...SERVER, url: 'https://docs.example/mcp' } },
      fetch: () => {
        throw new Error('no request is expected');
      },
    });
    expect(bot.serverNames).toEqual(['linear', 'docs.v2']);
    expect(bot.server('linear').url.href).toBe('https://mcp.linear.app/mcp');
    expect(bot.server('https://docs.example/mcp').name).toBe('docs.v2');
    expect(bot.server(new URL('https://docs.example/mcp')).name).toBe('docs.v2');
  });

  it.each<[string, unknown, string]>([
    ['no object', undefined, 'The options'],
    ['no servers', { idp: IDP }, 'servers'],
    ['empty servers', { idp: IDP, servers: {} }, 'servers'],
    ['an unknown option', { ...GOOD, idP: {} }, 'idP'],
    ['an unknown option of a server', server({ scope: ['x'] }), 'scope'],
    ['an unknown option of the IdP', idp({ clientId: 'x' }), 'clientId'],
    ['an unknown retry option', { ...GOOD, retry: { attempts: 3 } }, 'attempts'],
    ['a server name with a space', { ...GOOD, servers: { 'a b': SERVER } }, 'servers.a b'],
    ['an IdP credential without a client id', idp({ credential: noClientAuth() }), 'idp.credential'],
    ['a credential without a client id', server({ credential: noClientAuth() }), 'servers.linear.credential'],
    [
      'a credential without a client id and client credentials',
      server({ credential: noClientAuth(), flow: 'client-credentials' }),
      'servers.linear.credential',
    ],
    ['an assertion in the flow enterprise-managed', server({ assertion: workload }), 'servers.linear.assertion'],
    [
      'an assertion with client credentials',
      server({ flow: 'client-credentials', assertion: workload }),
      'servers.linear.assertion',
    ],
    ...(['client-credentials', 'workload-identity'] as const).flatMap((flow) => {
      const assertion = flow === 'workload-identity' ? { assertion: workload } : {};
      return [
        [
          `missingResource with ${flow}`,
          server({ flow, ...assertion, missingResource: 'warn' }),
          'servers.linear.missingResource',
        ],
        [`redeemScope with ${flow}`, server({ flow, ...assertion, redeemScope: 'send' }), 'servers.linear.redeemScope'],
      ] as [string, unknown, string][];
    }),
    ['an unknown excessScopes', server({ excessScopes: 'warn' }), 'servers.linear.excessScopes'],
    ['an unknown redeemScope', server({ redeemScope: true }), 'servers.linear.redeemScope'],
    ['an unknown resourceParameter', server({ resourceParameter: 'no' }), 'servers.linear.resourceParameter'],
    ['no IdP issuer', idp({ issuer: undefined }), 'idp.issuer'],
    ['an empty IdP issuer', idp({ issuer: ' ' }), 'idp.issuer'],
    ['an IdP issuer that is not a URL', idp({ issuer: 'acme.okta.com' }), 'idp.issuer'],
    ['an IdP issuer with a query', idp({ issuer: 'https://acme.okta.com/?x=1' }), 'idp.issuer'],
    ['an IdP issuer with a space', idp({ issuer: 'https://acme.okta.com ' }), 'idp.issuer'],
    ['no IdP credential', idp({ credential: undefined }), 'idp.credential'],
    ['a string as IdP credential', idp({ credential: 'idp-s3cret' }), 'idp.credential'],
    ['a string as subject', idp({ subject: 'eyJ' }), 'idp.subject'],
    ['an IdP token endpoint that is not a URL', idp({ tokenEndpoint: '/token' }), 'idp.tokenEndpoint'],
    ['no server URL', server({ url: undefined }), 'servers.linear.url'],
    ['a server URL without a scheme', server({ url: 'mcp.linear.app' }), 'servers.linear.url'],
    ['no issuer', server({ issuer: undefined }), 'servers.linear.issuer'],
    ['an issuer that is not a URL', server({ issuer: 'Discover' }), 'servers.linear.issuer'],
    ['an issuer with a fragment', server({ issuer: 'https://linear.app#x' }), 'servers.linear.issuer'],
    ['no credential', server({ credential: undefined }), 'servers.linear.credential'],
    ['scopes in one string', server({ scopes: 'a b' }), 'servers.linear.scopes'],
    ['two scopes in one list item', server({ scopes: ['a b'] }), 'servers.linear.scopes.0'],
    ['an empty list of scopes', server({ scopes: [] }), 'servers.linear.scopes'],
    ['stepUp as a string', server({ stepUp: 'a' }), 'servers.linear.stepUp'],
    ['a misspelt flow', server({ flow: 'client_credentials' }), 'servers.linear.flow'],
    ['a misspelt missingResource', server({ missingResource: 'ignore' }), 'servers.linear.missingResource'],
    ['a token endpoint that is not a URL', server({ tokenEndpoint: 'x' }), 'servers.linear.tokenEndpoint'],
    ['dpop that is not a key pair', server({ dpop: 'key' }), 'servers.linear.dpop'],
    ['no assertion for workload-identity', server({ flow: 'workload-identity' }), 'servers.linear.assertion'],
    ['a store that is not a TokenStore', { ...GOOD, store: new Map() }, 'store'],
    ['a fetch that is not a function', { ...GOOD, fetch: 'fetch' }, 'fetch'],
    ['a proxy that is a URL', { ...GOOD, proxy: 'http://proxy.acme.example' }, 'proxy'],
    ['a proxy and a fetch', { ...GOOD, proxy: 'environment', fetch: globalThis.fetch }, 'proxy'],
    ['a clock that is not a Clock', { ...GOOD, clock: { now: 1 } }, 'clock'],
    ['an onEvent that is not a function', { ...GOOD, onEvent: 'log' }, 'onEvent'],
    ['too many retries', { ...GOOD, retry: { retries: 1e6 } }, 'retry.retries'],
    ['a timeout of zero', { ...GOOD, timeout: { requestMs: 0 } }, 'timeout.requestMs'],
    ['a timeout as a string', { ...GOOD, timeout: { totalMs: '30s' } }, 'timeout.totalMs'],
    ['allowHttp as a string', { ...GOOD, network: { allowHttp: 'yes' } }, 'network.allowHttp'],
  ])('with %s are refused with the name of the option in the message', async (_what, options, named) => {
    const error = await refusalOf(() => principal(options));
    expect(error).toMatchObject({
      code: 'invalid_configuration',
      leg: 'configure',
      contact: 'you',
      retryable: false,
    });
    expect(error.message).toContain(named);
    expect(error.remedy).not.toBe('');
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  it.each<[string, unknown, string]>([
    ['plain http to the IdP', idp({ issuer: 'http://acme.okta.com' }), 'idp.issuer'],
    ['plain http to the IdP token endpoint', idp({ tokenEndpoint: 'http://acme.okta.com/t' }), 'idp.tokenEndpoint'],
    ['plain http to a server', server({ url: 'http://mcp.linear.app/mcp' }), 'servers.linear.url'],
    ['plain http to an AS', server({ issuer: 'http://linear.app' }), 'servers.linear.issuer'],
    [
      'plain http to a token endpoint',
      server({ tokenEndpoint: 'http://linear.app/t' }),
      'servers.linear.tokenEndpoint',
    ],
    ['a password in a URL', server({ url: 'https://u:s3cret@mcp.linear.app/mcp' }), 'servers.linear.url'],
    [
      'plain http to the issuer of the subject token',
      idp({ subject: ownToken({ issuer: 'http://a.example', credential: noClientAuth({ clientId: 'x' }) }) }),
      'idp.subject',
    ],
    [
      'plain http to the issuer of the actor token',
      idp({ actor: ownToken({ issuer: 'http://a.example', credential: noClientAuth({ clientId: 'x' }) }) }),
      'idp.actor',
    ],
    [
      'plain http to the issuer of the assertion',
      server({
        flow: 'workload-identity',
        assertion: ownToken({ issuer: 'http://a.example', credential: noClientAuth({ clientId: 'x' }) }),
      }),
      'servers.linear.assertion',
    ],
  ])('with %s are refused with the name of the option in the message', async (_what, options, named) => {
    const error = await refusalOf(() => principal(options));
    expect(error).toMatchObject({ code: 'forbidden_url', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(named);
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  it.each([
    ['audience', 'set servers.<name>.audience instead'],
    ['resource', 'set servers.<name>.resource instead'],
    ['scope', 'set servers.<name>.scopes instead'],
    ['subject_token', 'set idp.subject instead'],
    ['subject_token_type', 'set idp.subject instead'],
    ['actor_token', 'set idp.actor instead'],
    ['actor_token_type', 'set idp.actor instead'],
    ['authorization_details', 'set servers.<name>.authorizationDetails instead'],
    ['requested_token_type', 'Credence sets it'],
    ['grant_type', 'Credence sets it'],
  ])('with idp.parameters that contain %s are refused, and the option is named', async (name, option) => {
    const error = await refusalOf(() => principal(idp({ parameters: { tenant: 't', [name]: 'x' } })));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(`idp.parameters contains "${name}"`);
    expect(error.remedy).toContain(option);
  });

  it.each(['http://localhost:1234', 'http://127.0.0.1:1234/t', 'http://[::1]:1'])(
    'may contain the loopback URL %s',
    (issuer) => {
      expect(principal(server({ issuer })).serverNames).toEqual(['linear']);
    },
  );

  it('may contain a plain http URL if allowHttp is set', () => {
    expect(principal({ ...idp({ issuer: 'http://idp.corp' }), network: { allowHttp: true } }).serverNames).toHaveLength(
      1,
    );
  });

  it('without an IdP are refused unless each server has a flow that needs no IdP', async () => {
    const error = await refusalOf(() => principal({ servers: { linear: SERVER } }));
    expect(error).toMatchObject({ code: 'invalid_configuration', server: 'linear', contact: 'you' });
    expect(error.remedy).toContain("servers.linear.flow: 'client-credentials'");
    expect(principal({ servers: { linear: { ...SERVER, flow: 'client-credentials' } } }).serverNames).toHaveLength(1);
    const workload = { ...SERVER, flow: 'workload-identity', assertion: fromWorkloadToken(() => 'x') };
    expect(principal({ servers: { linear: workload } }).serverNames).toHaveLength(1);
  });

  it.each<[string, object, string]>([
    ['subject', idp({ subject: fromIdToken(() => 'x') }), 'idp.subject'],
    ['actor', idp({ actor: fromWorkloadToken(() => 'x') }), 'idp.actor'],
    [
      'assertion',
      server({ flow: 'workload-identity', assertion: fromWorkloadToken(() => 'x') }),
      'servers.linear.assertion',
    ],
  ])('with a store are refused if the source of the %s has no identity', async (_what, options, option) => {
    const error = await refusalOf(() => principal({ ...options, store: memoryStore() }));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(option);
    expect(error.remedy).toContain('identity');
    expect(principal(options).serverNames).toEqual(['linear']);
  });

  it('with a store are accepted if each source has an identity', () => {
    const named = idp({ subject: fromIdToken(() => 'x', { identity: 'alice' }) });
    expect(principal({ ...named, store: memoryStore() }).serverNames).toEqual(['linear']);
    expect(principal({ ...GOOD, store: memoryStore() }).serverNames).toEqual(['linear']);
  });

  it.each<[string, unknown]>([
    ['the IdP and an AS', server({ credential: idpCredential })],
    ['two ASs', { ...GOOD, servers: { a: SERVER, b: { ...SERVER, issuer: 'https://other.example' } } }],
    ['a configured AS and a discovered AS', { ...GOOD, servers: { a: SERVER, b: { ...SERVER, issuer: 'discover' } } }],
    [
      'two discovered ASs',
      {
        ...GOOD,
        servers: {
          a: { ...SERVER, issuer: 'discover' },
          b: { ...SERVER, issuer: 'discover', url: 'https://other.example/mcp' },
        },
      },
    ],
    [
      'the IdP and another issuer of the subject token',
      idp({ subject: ownToken({ issuer: 'https://o.example', credential: idpCredential }) }),
    ],
    [
      'an AS and another issuer of the subject token',
      idp({ subject: ownToken({ issuer: 'https://o.example', credential: asCredential }) }),
    ],
    ['an AS and a second client at the IdP', idp({ subject: ownToken({ credential: asCredential }) })],
  ])('are refused if they use one credential object for %s', async (_what, options) => {
    const error = await refusalOf(() => principal(options));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain('credential');
    expect(error.remedy).toContain('one credential for each issuer');
  });

  it('may use one credential object for two servers of one issuer', () => {
    const servers = { a: SERVER, b: { ...SERVER, url: 'https://mcp.linear.app/other' } };
    expect(principal({ ...GOOD, servers }).serverNames).toEqual(['a', 'b']);
    expect(principal(idp({ subject: ownToken({ credential: idpCredential }) })).serverNames).toHaveLength(1);
  });
});

describe('a method of a principal', () => {
  it.each(['figma', 'https://mcp.linear.app/other', 'https://mcp.linear.app/mcp/', ''])(
    'refuses the unknown server %p, and the remedy contains the configured names',
    async (name) => {
      const bot = principal(GOOD);
      for (const action of [
        () => bot.server(name),
        async () => bot.token(name),
        () => bot.fetchFor(name),
        async () => bot.diagnose(name),
        async () => bot.prepare([name]),
      ]) {
        const error = await refusalOf(action);
        expect(error).toMatchObject({ code: 'unknown_server', leg: 'configure', contact: 'you' });
        expect(error.remedy).toContain('linear');
      }
    },
  );

  it('refuses a scope that is not configured without a request', async () => {
    const bot = principal({
      ...server({ scopes: ['read'], stepUp: ['write'] }),
      fetch: () => {
        throw new Error('no request is expected');
      },
    });
    expect(await refusalOf(bot.token('linear', { scopes: ['read', 'admin'] }))).toMatchObject({
      code: 'scope_outside_ceiling',
      leg: 'configure',
      contact: 'you',
      server: 'linear',
      missingScopes: ['admin'],
    });
  });

  it.each([[[]], [['a b']], [['']]])('refuses the scopes %p', async (scopes) => {
    const bot = principal(GOOD);
    expect(await refusalOf(bot.token('linear', { scopes }))).toMatchObject({
      code: 'invalid_configuration',
      leg: 'configure',
      server: 'linear',
    });
  });

  it('throws closed after the principal was closed', async () => {
    const bot = principal(GOOD);
    const send = bot.fetchFor('linear');
    await bot.close();
    for (const action of [async () => bot.token('linear'), async () => send('https://mcp.linear.app/mcp')]) {
      expect(await refusalOf(action)).toMatchObject({ code: 'closed', leg: 'configure', contact: 'you' });
    }
  });

  it('ends at the time limit if a getter never resolves', async () => {
    const bot = principal({
      ...idp({ subject: fromIdToken(async () => new Promise<string>(() => undefined)) }),
      fetch: async (input: string | URL) => {
        const { origin, pathname } = new URL(input);
        if (!pathname.includes('oauth-authorization-server')) return new Response(null, { status: 404 });
        return Response.json({ issuer: origin, token_endpoint: `${origin}/token` });
      },
      timeout: { totalMs: 60 },
    });
    expect(await refusalOf(bot.token('linear'))).toMatchObject({ code: 'credential_unavailable', leg: 'configure' });
  });
});
