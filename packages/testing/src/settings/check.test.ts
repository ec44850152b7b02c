import { describe, expect, it } from '@jest/globals';
import { botWith, withoutNetwork, world } from '../../test-support/bots.ts';
import { type FakeIdp } from '../fake-idp.ts';
import type { FakeIdpOptions } from './options.ts';

withoutNetwork();

describe('invalid options', () => {
  it.each<[string, unknown, string]>([
    ['no server', { servers: {} }, 'servers is empty'],
    ['a misspelt option', { refuze: [] }, 'unknown option "refuze"'],
    [
      'a misspelt option of a server',
      { servers: { issues: { tool: {} } } },
      'servers.issues has an unknown option "tool"',
    ],
    ['tools and a handler', { servers: { issues: { tools: {}, handler: () => undefined } } }, 'servers.issues.handler'],
    ['a tool without a handler', { servers: { issues: { tools: { list: 1 } } } }, 'servers.issues.tools.list'],
    ['a grant for an unknown server', { principals: { bot: { grants: { other: [] } } } }, 'the server "other"'],
    ['a refusal for an unknown server', { refuse: [{ server: 'other' }] }, 'the server "other"'],
    ['a refusal for an unknown principal', { refuse: [{ principal: 'other' }] }, 'the principal "other"'],
    ['a long-lived ID-JAG', { expire: { idJagSeconds: 3601 } }, 'expire.idJagSeconds'],
    ['a key that is none', { principals: { bot: { key: 'no key' } } }, 'principals.bot.key'],
    [
      'a secret and a key',
      { principals: { bot: { secret: 's', key: 'k' } } },
      'more than one of secret, key and isPublic',
    ],
    ['the issuer of the IdP', { servers: { issues: { issuer: 'https://idp.example' } } }, 'servers.issues.issuer'],
    ['an object in place of a list', { refuse: { server: 'other' } }, 'refuse names the server "other"'],
    ['a refusal of an unknown leg', { refuse: { leg: 'exhange' } }, 'refuse.0.leg is not one of "discover"'],
    ['a text in place of an object', { servers: 'issues' }, 'fakeIdp: servers is not an object.'],
    ['a number in place of a list', { refuse: 1 }, 'refuse.0 is not an object'],
    ['no principals', { principals: undefined }, 'principals is missing'],
    ['a time that is none', { expire: { accessTokenSeconds: 0 } }, 'expire.accessTokenSeconds is smaller than 1'],
    ['a name with a space', { servers: { 'a b': {} } }, 'servers has the name "a b", which is not valid'],
    [
      'the name __proto__',
      {
        principals: Object.fromEntries([
          ['__proto__', {}],
          ['bot', {}],
        ]),
      },
      'principals has the name "__proto__", which is not valid',
    ],
    [
      'a grant of no scope of the server',
      { principals: { bot: { grants: { issues: ['issues:raed'] } } } },
      'principals.bot.grants.issues has the scope "issues:raed"',
    ],
    ['one url twice', { servers: { a: { url: 'https://a/mcp' }, b: { url: 'https://a/mcp' } } }, 'have the same url'],
  ])('are refused: %s', (_what, options, message) => {
    const create = () => world(options as Partial<FakeIdpOptions>);
    expect(create).toThrow(message);
    expect(create).toThrow(expect.objectContaining({ code: 'invalid_configuration', contact: 'you' }));
  });

  it('do not show a key', () => {
    const jwk = { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', d: 'very-secret' };
    const principals = { 'reporting-bot': { key: jwk } };
    expect(() => world({ principals })).toThrow(
      'principals.reporting-bot.key is not a PEM, JWK, KeyObject or CryptoKey',
    );
    expect(() => world({ principals })).not.toThrow('very-secret');
  });

  it.each<[string, (idp: FakeIdp) => unknown]>([
    ['options', (idp) => idp.options('other')],
    ['options of an unknown server', (idp) => idp.options('reporting-bot', { other: {} })],
    ['next', (idp) => idp.next('call', { server: 'other' })],
    ['refuse', (idp) => idp.refuse({ server: 'other' })],
    ['revoke', (idp) => idp.revoke('other')],
    ['requestsOf', (idp) => idp.requestsOf('call', { server: 'other' })],
    ['next with an unknown leg', (idp) => idp.next('other-leg' as 'other')],
    ['requestsOf with an unknown leg', (idp) => idp.requestsOf('other-leg' as 'other')],
    ['expectRequests with an unknown leg', (idp) => idp.expectRequests({ 'other-leg': 0 } as object)],
  ])('of %s name what is unknown', (_method, use) => {
    expect(() => use(world())).toThrow(/"other(?:-leg)?"/u);
  });

  it('of refuse and next are checked', () => {
    const refusal = { leg: 'exhange' } as unknown as { leg: 'exchange' };
    expect(() => world().refuse(refusal)).toThrow('fakeIdp: leg is not one of "discover"');
    expect(() => world().next('call', { times: 0 })).toThrow('times of next is 0');
  });

  it('with a URL that a principal refuses are named by options()', () => {
    const idp = world({ servers: { issues: { url: 'http://foo/mcp' } } });
    expect(() => idp.options('reporting-bot')).toThrow('servers.issues.url is a URL that a principal refuses');
  });
});

describe('names', () => {
  it('can be those of object properties', async () => {
    const idp = world({
      servers: { constructor: {}, toString: {} },
      principals: { constructor: { grants: { toString: ['toString:use'] } } },
    });
    const bot = botWith(idp.options('constructor', { toString: { scopes: ['toString:use'] } }));
    await expect(bot.token('toString')).resolves.toHaveProperty('scopes', ['toString:use']);
    await expect(bot.token('constructor')).rejects.toMatchObject({ code: 'access_denied' });
  });
});
