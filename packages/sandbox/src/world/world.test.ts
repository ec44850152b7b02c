import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type AnyOptions, resolveOptions } from '../options.ts';
import { sandboxTool } from '../servers/sandbox-tool.ts';
import { startSandbox } from '../start-sandbox.ts';

const mcpServer = () => ({ connect: () => Promise.resolve(), close: () => Promise.resolve() });
const mine = { mcpServer, tools: { read: 'mine:read', write: ['mine:read', 'mine:write'] } };
const tool = sandboxTool({ name: 'read', scope: 'mine:read', description: 'Reads', run: () => 'x' });
const world = (options: AnyOptions) => resolveOptions(options).world;

describe('the world of a sandbox', () => {
  it('is the known one without options', () => {
    const { servers, principals, groups, grants } = world({});
    expect(servers.map(({ name }) => name)).toEqual(['issues', 'documents', 'database']);
    expect(principals.map(({ name }) => name)).toContain('retired-bot');
    expect(Object.keys(groups)).toEqual(['analysts', 'support', 'data']);
    expect(Object.keys(grants)).toEqual(['reporting-bot', 'triage-bot', 'analysts', 'support', 'data']);
  });

  it('keeps the known servers for principals of the user, and the known principals for servers of the user', () => {
    const own = world({ principals: { bot: {} }, grants: { bot: { issues: ['issues:read'] } } });
    expect(own.servers.map(({ name }) => name)).toEqual(['issues', 'documents', 'database']);
    expect(own).toMatchObject({ groups: {}, grants: { bot: { issues: ['issues:read'] } } });
    expect(world({ principals: { 'triage-bot': {} } }).grants).toEqual({
      'triage-bot': { issues: ['issues:read', 'issues:write'] },
    });

    const servers = world({ servers: { mine } });
    expect(servers.principals.map(({ name }) => name)).toContain('reporting-bot');
    // the built-in grants are for the built-in servers only
    const every = { mine: ['mine:read', 'mine:write'] };
    expect(servers.grants).toEqual({
      'reporting-bot': every,
      'triage-bot': every,
      'analytics-bot': every,
      'retired-bot': every,
    });
  });

  it('grants every scope of servers of the user, if grants is not set', () => {
    const both = { servers: { mine }, principals: { bot: {}, 'unapproved-bot': {} } };
    const every = { mine: ['mine:read', 'mine:write'] };
    expect(world(both).grants).toEqual({ bot: every, 'unapproved-bot': every });
    expect(world({ mcpServer }).grants).toMatchObject({ 'reporting-bot': { mcp: ['mcp:use'] } });
    expect(world({ servers: { issues: mine } }).grants['reporting-bot']).toEqual({
      issues: ['mine:read', 'mine:write'],
    });
    expect(world({ ...both, grants: {} }).grants).toEqual({});
  });

  it('takes the scopes of a server from its tools, and one scope for all if there are none', () => {
    expect(world({ servers: { mine } }).servers).toMatchObject([
      { scopes: ['mine:read', 'mine:write'], challengeScope: 'mine:read', authorizationServer: 'main' },
    ]);
    expect(world({ servers: { list: { tools: [tool] } } }).servers).toMatchObject([
      { scopes: ['mine:read'], toolScopes: { read: ['mine:read'] } },
    ]);
    expect(world({ mcpServer }).servers).toMatchObject([{ name: 'mcp', scopes: ['mcp:use'], toolScopes: undefined }]);
  });

  it('takes mcpServer for the servers that do not say what they are', () => {
    const url = 'http://127.0.0.1:9/mcp';
    const { servers } = world({ servers: { a: {}, b: { tools: [tool] } }, mcpServer: url });
    expect(servers.map(({ source }) => source.kind)).toEqual(['forward', 'tools']);
    expect(world({ servers: { a: {} }, mcpServer }).servers[0]?.source).toEqual({ kind: 'mcp-server', mcpServer });
  });

  const grants = (given: unknown) => ({
    servers: { mine },
    principals: { bot: {} },
    groups: { crew: ['bot'] },
    grants: given,
  });
  it.each<[string, unknown, RegExp, RegExp]>([
    [
      'a grant to nobody',
      grants({ robot: { mine: ['mine:read'] } }),
      /grants names "robot", which is neither a principal nor a group/u,
      /are: bot, crew/u,
    ],
    ['a grant at no server', grants({ bot: { yours: [] } }), /grant of "bot" is for the server "yours"/u, /are: mine/u],
    [
      'a grant of no scope of the server',
      grants({ crew: { mine: { onRequest: ['mine:admin'] } } }),
      /grant of "crew" at "mine" has the scope "mine:admin"/u,
      /are: mine:read mine:write/u,
    ],
    ['a grant that is a text', grants({ bot: { mine: 'mine:read' } }), /option grants\.bot\.mine .*invalid/u, /./u],
    ['a grant to an object property', grants({ constructor: { mine: [] } }), /grants names "constructor"/u, /./u],
    [
      'a member that is no principal',
      { principals: { bot: {} }, groups: { crew: ['robot'] } },
      /member "robot"/u,
      /: bot/u,
    ],
    [
      'a group with the name of a principal',
      { principals: { bot: {} }, groups: { bot: [] } },
      /"bot" is the name/u,
      /./u,
    ],
    ['no server', { servers: {} }, /servers .*is empty/u, /./u],
    ['no principal', { principals: {} }, /principals .*is empty/u, /./u],
    ['a server that is nothing', { servers: { mine: {} } }, /server "mine" has none of tools/u, /./u],
    [
      'a server that is two',
      { servers: { mine: { mcpServer, url: 'http://127.0.0.1:9/' } } },
      /more than one of/u,
      /./u,
    ],
    ['mcpServer without an effect', { servers: { mine }, mcpServer }, /mcpServer .*no effect/u, /./u],
    [
      'a server with a misspelt option',
      { servers: { mine: { mcpserver: mcpServer } } },
      /servers\.mine .*mcpserver/u,
      /./u,
    ],
    ['an mcpServer that is no function', { servers: { mine: { mcpServer: 'x' } } }, /servers\.mine\.mcpServer/u, /./u],
    [
      'a tool that sandboxTool did not make',
      { servers: { mine: { tools: [{ name: 'x' }] } } },
      /servers\.mine\.tools\.0 .*sandboxTool/u,
      /./u,
    ],
    ['two tools of one name', { servers: { mine: { tools: [tool, tool] } } }, /two tools "read"/u, /./u],
    [
      'a scope that is no scope',
      { servers: { mine: { mcpServer, tools: { x: 'a b' } } } },
      /servers\.mine\.tools/u,
      /./u,
    ],
    [
      'scopes without those of the tools',
      { servers: { mine: { ...mine, scopes: ['x'] } } },
      /need mine:read mine:write/u,
      /./u,
    ],
    [
      'a challenge with a foreign scope',
      { servers: { mine: { ...mine, challengeScope: 'x' } } },
      /challengeScope "x"/u,
      /./u,
    ],
    [
      'a url that is not on this machine',
      { servers: { mine: { url: 'http://example.com/mcp' } } },
      /url of the server "mine"/u,
      /loopback/u,
    ],
    ['a url that is not one', { servers: { mine: { url: 'localhost:3000' } } }, /url of the server "mine"/u, /./u],
    ['a gate without a url', { servers: { mine: { ...mine, gate: 'own' } } }, /gate and no url/u, /./u],
    [
      'a module that is not a file',
      { servers: { mine: { module: 'https://example.com/x.js' } } },
      /module of the server "mine"/u,
      /./u,
    ],
    ['a title that the MCP server has', { servers: { mine: { ...mine, title: 'x' } } }, /title or instructions/u, /./u],
    ['names with the same variables', { servers: { 'a-b': mine, 'A.B': mine } }, /CREDENCE_SERVER_A_B_/u, /./u],
    [
      'a server name for which there is no variable',
      { servers: { 'ä b': mine } },
      /"ä b" cannot be the name/u,
      /letters/u,
    ],
    [
      'the name of an authorization server',
      { servers: { mine: { ...mine, authorizationServer: '../x' } } },
      /authorization server/u,
      /./u,
    ],
    [
      'a name with a line break',
      { principals: { 'bot\n': {} } },
      /cannot be the name of a sandbox's principal/u,
      /ASCII/u,
    ],
    ['an empty name', { principals: { '': {} } }, /cannot be the name/u, /./u],
    [
      'the name __proto__',
      {
        principals: Object.fromEntries([
          ['__proto__', {}],
          ['bot', {}],
        ]),
      },
      /__proto__/u,
      /./u,
    ],
    [
      'a principal with an unknown option',
      { principals: { bot: { key: 'secret-thing' } } },
      /principals\.bot .*key/u,
      /./u,
    ],
    [
      'a secret that no client can send',
      { principals: { bot: { secret: 'ü' } } },
      /principals\.bot\.secret .*ASCII/u,
      /./u,
    ],
    ['a process of another kind', { process: 'thread' }, /option process/u, /./u],
    ['an option that does not exist', { principal: {} }, /principal/u, /servers, mcpServer, principals/u],
  ])('is refused with %s', (_what, options, message, remedy) => {
    expect(() => resolveOptions(options as AnyOptions)).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        contact: 'you',
        message: expect.stringMatching(message),
        remedy: expect.stringMatching(remedy),
      }),
    );
  });
});

describe('the private key of a principal', () => {
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const { publicKey } = generateKeyPairSync('ed25519');
  it.each([
    ['of a curve that is not supported', p384.toString(), /neither an RSA, a P-256 nor an Ed25519/u],
    ['that is a public key', publicKey.export({ type: 'spki', format: 'pem' }).toString(), /cannot be read/u],
    ['that is something else', 'a text of my own that is no key at all, but is secret', /cannot be read/u],
    ['that is a public JWK', publicKey.export({ format: 'jwk' }), /cannot be read/u],
  ])('%s is refused, without the key in the error', async (_what, privateKey, message) => {
    const started = startSandbox({ principals: { bot: { privateKey } } });
    const error = await started.then(
      () => undefined,
      (refused: unknown) => refused as Error,
    );
    expect(error).toMatchObject({ code: 'invalid_configuration', message: expect.stringMatching(message) });
    expect(error?.message).toContain('"bot"');
    expect(JSON.stringify(error)).not.toContain(
      typeof privateKey === 'string' ? privateKey.slice(30, 60) : privateKey.x,
    );
  });
});
