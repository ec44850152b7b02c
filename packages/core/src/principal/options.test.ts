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
const GOOD: ServicePrincipalOptions = { idp: IDP, servers: { linear: SERVER } };

const made: ServicePrincipal[] = [];
function principal(options: unknown): ServicePrincipal {
  const bot = new ServicePrincipal(options as ServicePrincipalOptions);
  made.push(bot);
  return bot;
}
afterEach(async () => {
  await Promise.all(made.splice(0).map(async (bot) => bot.close()));
});

const server = (over: object) => ({ ...GOOD, servers: { linear: { ...SERVER, ...over } } });
const idp = (over: object) => ({ ...GOOD, idp: { ...IDP, ...over } });

describe('options', () => {
  it('that are right make a principal that knows its servers and has sent nothing', () => {
    const bot = principal({
      ...GOOD,
      servers: { linear: SERVER, 'docs.v2': { ...SERVER, url: 'https://docs.example/mcp' } },
      fetch: () => {
        throw new Error('nothing is to be sent');
      },
    });
    expect(bot.serverNames).toEqual(['linear', 'docs.v2']);
    expect(bot.server('linear').url.href).toBe('https://mcp.linear.app/mcp');
    expect(bot.server('https://docs.example/mcp').name).toBe('docs.v2');
    expect(bot.server(new URL('https://docs.example/mcp')).name).toBe('docs.v2');
  });

  it.each<[string, unknown, string]>([
    ['nothing at all', undefined, 'The options'],
    ['no servers', { idp: IDP }, 'servers'],
    ['no server', { idp: IDP, servers: {} }, 'servers'],
    ['an unknown option', { ...GOOD, idP: {} }, 'idP'],
    ['an unknown option of a server', server({ scope: ['x'] }), 'scope'],
    ['an unknown option of the IdP', idp({ clientId: 'x' }), 'clientId'],
    ['an unknown retry option', { ...GOOD, retry: { attempts: 3 } }, 'attempts'],
    ['a name with a space', { ...GOOD, servers: { 'a b': SERVER } }, 'servers.a b'],
    ['no IdP issuer', idp({ issuer: undefined }), 'idp.issuer'],
    ['an empty IdP issuer', idp({ issuer: ' ' }), 'idp.issuer'],
    ['an IdP issuer that is no URL', idp({ issuer: 'acme.okta.com' }), 'idp.issuer'],
    ['an IdP issuer with a query', idp({ issuer: 'https://acme.okta.com/?x=1' }), 'idp.issuer'],
    ['an IdP issuer with a space', idp({ issuer: 'https://acme.okta.com ' }), 'idp.issuer'],
    ['no IdP credential', idp({ credential: undefined }), 'idp.credential'],
    ['a secret where a credential goes', idp({ credential: 'idp-s3cret' }), 'idp.credential'],
    ['a subject that is no source', idp({ subject: 'eyJ' }), 'idp.subject'],
    ['an IdP endpoint that is no URL', idp({ tokenEndpoint: '/token' }), 'idp.tokenEndpoint'],
    ['no server URL', server({ url: undefined }), 'servers.linear.url'],
    ['a server URL that is none', server({ url: 'mcp.linear.app' }), 'servers.linear.url'],
    ['no issuer', server({ issuer: undefined }), 'servers.linear.issuer'],
    ['an issuer that is no URL', server({ issuer: 'Discover' }), 'servers.linear.issuer'],
    ['an issuer with a fragment', server({ issuer: 'https://linear.app#x' }), 'servers.linear.issuer'],
    ['no credential', server({ credential: undefined }), 'servers.linear.credential'],
    ['scopes in one string', server({ scopes: 'a b' }), 'servers.linear.scopes'],
    ['two scopes in one', server({ scopes: ['a b'] }), 'servers.linear.scopes.0'],
    ['no scope in a list', server({ scopes: [] }), 'servers.linear.scopes'],
    ['a step-up that is no list', server({ stepUp: 'a' }), 'servers.linear.stepUp'],
    ['a misspelt flow', server({ flow: 'client_credentials' }), 'servers.linear.flow'],
    ['a misspelt policy', server({ missingResource: 'ignore' }), 'servers.linear.missingResource'],
    ['an endpoint that is no URL', server({ tokenEndpoint: 'x' }), 'servers.linear.tokenEndpoint'],
    ['a key that is no pair', server({ dpop: 'key' }), 'servers.linear.dpop'],
    ['no assertion for a workload', server({ flow: 'workload-identity' }), 'servers.linear.assertion'],
    ['a store that is none', { ...GOOD, store: new Map() }, 'store'],
    ['a fetch that is none', { ...GOOD, fetch: 'fetch' }, 'fetch'],
    ['a clock that is none', { ...GOOD, clock: { now: 1 } }, 'clock'],
    ['an observer that is none', { ...GOOD, onEvent: 'log' }, 'onEvent'],
    ['retries without end', { ...GOOD, retry: { retries: 1e6 } }, 'retry.retries'],
    ['a timeout of nothing', { ...GOOD, timeout: { requestMs: 0 } }, 'timeout.requestMs'],
    ['a timeout in words', { ...GOOD, timeout: { totalMs: '30s' } }, 'timeout.totalMs'],
    ['network trust in words', { ...GOOD, network: { allowHttp: 'yes' } }, 'network.allowHttp'],
  ])('with %s are refused by name', async (_what, options, named) => {
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
    ['plain http to the IdP endpoint', idp({ tokenEndpoint: 'http://acme.okta.com/t' }), 'idp.tokenEndpoint'],
    ['plain http to a server', server({ url: 'http://mcp.linear.app/mcp' }), 'servers.linear.url'],
    ['plain http to an AS', server({ issuer: 'http://linear.app' }), 'servers.linear.issuer'],
    ['plain http to an endpoint', server({ tokenEndpoint: 'http://linear.app/t' }), 'servers.linear.tokenEndpoint'],
    ['a password in a URL', server({ url: 'https://u:s3cret@mcp.linear.app/mcp' }), 'servers.linear.url'],
    [
      'plain http to where the subject comes from',
      idp({ subject: ownToken({ issuer: 'http://a.example', credential: noClientAuth({ clientId: 'x' }) }) }),
      'idp.subject',
    ],
    [
      'plain http to where the actor comes from',
      idp({ actor: ownToken({ issuer: 'http://a.example', credential: noClientAuth({ clientId: 'x' }) }) }),
      'idp.actor',
    ],
    [
      'plain http to where an assertion comes from',
      server({
        flow: 'workload-identity',
        assertion: ownToken({ issuer: 'http://a.example', credential: noClientAuth({ clientId: 'x' }) }),
      }),
      'servers.linear.assertion',
    ],
  ])('with %s are refused by name', async (_what, options, named) => {
    const error = await refusalOf(() => principal(options));
    expect(error).toMatchObject({ code: 'forbidden_url', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(named);
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  it.each(['http://localhost:1234', 'http://127.0.0.1:1234/t', 'http://[::1]:1'])(
    'may name %s: it is loopback',
    (issuer) => {
      expect(principal(server({ issuer })).serverNames).toEqual(['linear']);
    },
  );

  it('may name plain http where that was opted in', () => {
    expect(principal({ ...idp({ issuer: 'http://idp.corp' }), network: { allowHttp: true } }).serverNames).toHaveLength(
      1,
    );
  });

  it('that leave the IdP out must say for each server that this is meant', async () => {
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
  ])('that share a store say whose tokens the %s is', async (_what, options, option) => {
    const error = await refusalOf(() => principal({ ...options, store: memoryStore() }));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(option);
    expect(error.remedy).toContain('identity');
    expect(principal(options).serverNames).toEqual(['linear']);
  });

  it('that share a store and say whose tokens they give are right', () => {
    const named = idp({ subject: fromIdToken(() => 'x', { identity: 'alice' }) });
    expect(principal({ ...named, store: memoryStore() }).serverNames).toEqual(['linear']);
    expect(principal({ ...GOOD, store: memoryStore() }).serverNames).toEqual(['linear']);
  });

  it.each<[string, unknown]>([
    ['IdP and AS', server({ credential: idpCredential })],
    ['two ASs', { ...GOOD, servers: { a: SERVER, b: { ...SERVER, issuer: 'https://other.example' } } }],
    ['an AS and a discovered one', { ...GOOD, servers: { a: SERVER, b: { ...SERVER, issuer: 'discover' } } }],
    [
      'two discovered ones',
      {
        ...GOOD,
        servers: {
          a: { ...SERVER, issuer: 'discover' },
          b: { ...SERVER, issuer: 'discover', url: 'https://other.example/mcp' },
        },
      },
    ],
    [
      'the IdP and where the subject comes from',
      idp({ subject: ownToken({ issuer: 'https://o.example', credential: idpCredential }) }),
    ],
    [
      'an AS and where the subject comes from',
      idp({ subject: ownToken({ issuer: 'https://o.example', credential: asCredential }) }),
    ],
    ['an AS and the IdP as another client', idp({ subject: ownToken({ credential: asCredential }) })],
  ])('may not use one credential object for %s', async (_what, options) => {
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

describe('what is asked of a principal', () => {
  it.each(['figma', 'https://mcp.linear.app/other', 'https://mcp.linear.app/mcp/', ''])(
    'about the unknown server %p is refused with what is known',
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

  it('beyond the configured scopes is refused and sent to nobody', async () => {
    const bot = principal({
      ...server({ scopes: ['read'], stepUp: ['write'] }),
      fetch: () => {
        throw new Error('nothing is to be sent');
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

  it.each([[[]], [['a b']], [['']]])('with the scopes %p is refused', async (scopes) => {
    const bot = principal(GOOD);
    expect(await refusalOf(bot.token('linear', { scopes }))).toMatchObject({
      code: 'invalid_configuration',
      leg: 'configure',
      server: 'linear',
    });
  });

  it('after it was closed is refused', async () => {
    const bot = principal(GOOD);
    const send = bot.fetchFor('linear');
    await bot.close();
    for (const action of [async () => bot.token('linear'), async () => send('https://mcp.linear.app/mcp')]) {
      expect(await refusalOf(action)).toMatchObject({ code: 'closed', leg: 'configure', contact: 'you' });
    }
  });

  it('is not held up by a getter that never answers', async () => {
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
