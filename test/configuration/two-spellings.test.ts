import { clientSecret, type McpServerOptions, ServicePrincipal, type ServicePrincipalOptions } from '@credence/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refusalOf } from '../support/evidence.ts';
import { type OAuthWorld, startOAuthWorld } from '../support/oauth-world.ts';
import { type Peer, startPeer } from '../support/peer.ts';

let world: OAuthWorld;
let mcp: Peer;
let bots: ServicePrincipal[];

beforeEach(async () => {
  world = await startOAuthWorld();
  mcp = await startPeer({ 'POST /mcp': { body: {} } });
  world.as.protect(`${mcp.origin}/mcp`);
  bots = [];
});
afterEach(async () => {
  await Promise.all(bots.map((bot) => bot.close()));
  await Promise.all([mcp.close(), world.close()]);
});

function bot(
  server: Partial<McpServerOptions>,
  idp: Record<string, string> = {},
  fetch?: ServicePrincipalOptions['fetch'],
) {
  const { idpClient, asClient } = world;
  const created = new ServicePrincipal({
    idp: {
      issuer: world.idp.issuer,
      credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? '' }),
      ...idp,
    },
    servers: {
      mcp: {
        url: `${mcp.origin}/mcp`,
        issuer: world.as.issuer,
        credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
        ...server,
      },
    },
    retry: { retries: 0 },
    fetch,
  });
  bots.push(created);
  return created;
}

/** The settings that a remedy names: `set servers.mcp.issuer to "..."`. */
function settingsIn(sentence: string): Record<string, string> {
  const found = [...sentence.matchAll(/(servers\.mcp|idp)\.(\w+) to "([^"]+)"/gu)];
  return Object.fromEntries(found.map(([, , option = '', value = '']) => [option, value]));
}

/** The sentences of a remedy. */
const sentences = (remedy: string) => remedy.split(/(?<=[."])\. |(?<=\.) (?=[A-Z])/u);

function publish(issuers: readonly string[], resource = `${mcp.origin}/mcp`) {
  mcp.route('/.well-known/oauth-protected-resource/mcp', { body: { resource, authorization_servers: issuers } });
}

/** A host inside the cluster that answers for the authorization server or the IdP, which call themselves by another host. */
async function innerHost(outer: string): Promise<Peer> {
  const inner = await startPeer({});
  inner.route('*', async ({ method, path, headers, body }) => {
    const { authorization, 'content-type': type } = headers;
    const answer = await fetch(`${outer}${path}`, {
      method,
      headers: { ...(authorization && { authorization }), ...(type && { 'content-type': type }) },
      ...(method === 'POST' && { body }),
    });
    const contentType = answer.headers.get('content-type') ?? '';
    return { status: answer.status, headers: { 'content-type': contentType }, body: await answer.text() };
  });
  return inner;
}

/** What the metadata of the server says of the issuer, in another spelling than the issuer's own. */
const RESPELT: readonly [string, (issuer: string) => string][] = [
  ['a slash', (issuer) => `${issuer}/`],
  ['capitals', (issuer) => issuer.replace('http://127', 'HTTP://127')],
  ['a zero in the port', (issuer) => issuer.replace(/:(\d+)$/u, ':0$1')],
];

describe('an issuer that the metadata of the server and its own metadata spell differently, by', () => {
  it.each(RESPELT)('%s: the remedies end in a token if the list was configured', async (_what, respell) => {
    const listed = respell(world.as.issuer);
    publish([listed]);
    const error = await refusalOf(bot({ issuer: listed }).token('mcp'));
    expect(error).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
    const [change = ''] = sentences(error.remedy);
    const settings = settingsIn(change);
    expect(settings).toEqual({ issuer: world.as.issuer, resource: `${mcp.origin}/mcp` });
    await expect(bot(settings).token('mcp')).resolves.toMatchObject({ resource: `${mcp.origin}/mcp` });
  });

  it.each(RESPELT)('%s: the remedies end in a token if its own was configured', async (_what, respell) => {
    publish([respell(world.as.issuer)]);
    const error = await refusalOf(bot({}).token('mcp'));
    expect(error).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
    const keep = sentences(error.remedy).find((sentence) => sentence.includes('keep it')) ?? '';
    await expect(bot(settingsIn(keep)).token('mcp')).resolves.toMatchObject({ issuer: world.as.issuer });
  });

  it.each(RESPELT)(
    '%s: the other choice of the first remedy leads to one that ends in a token',
    async (_what, respell) => {
      publish([respell(world.as.issuer)]);
      const first = await refusalOf(bot({}).token('mcp'));
      const [change = ''] = sentences(first.remedy);
      const second = await refusalOf(bot(settingsIn(change)).token('mcp'));
      const settings = settingsIn(sentences(second.remedy)[0] ?? '');
      await expect(bot(settings).token('mcp')).resolves.toMatchObject({ issuer: world.as.issuer });
    },
  );

  it.each(RESPELT)("%s: the remedies end in a token if issuer is 'discover'", async (_what, respell) => {
    publish([respell(world.as.issuer)]);
    const error = await refusalOf(bot({ issuer: 'discover' }).token('mcp'));
    expect(error).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
    const settings = settingsIn(error.remedy);
    expect(settings).toEqual({ issuer: world.as.issuer, resource: `${mcp.origin}/mcp` });
    await expect(bot(settings).token('mcp')).resolves.toMatchObject({ issuer: world.as.issuer });
  });
});

describe('an issuer that answers under another host inside the cluster', () => {
  it('has a remedy that ends in a token if the server lists the outer host', async () => {
    const inner = await innerHost(world.as.issuer);
    try {
      publish([world.as.issuer]);
      const error = await refusalOf(bot({ issuer: inner.origin }).token('mcp'));
      expect(error).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
      expect(error.remedy).toContain(
        `servers.mcp.tokenEndpoint to the URL of its token endpoint under ${inner.origin}`,
      );
      const { issuer = '' } = settingsIn(error.remedy);
      const settings = { issuer, tokenEndpoint: `${inner.origin}${new URL(world.as.tokenEndpoint).pathname}` };
      await expect(bot(settings).token('mcp')).resolves.toMatchObject({ issuer: world.as.issuer });
    } finally {
      await inner.close();
    }
  });

  it('has a remedy that ends in a token if the server lists the inner host', async () => {
    const inner = await innerHost(world.as.issuer);
    try {
      publish([inner.origin]);
      const error = await refusalOf(bot({ issuer: inner.origin }).token('mcp'));
      expect(error).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
      const [change = '', reached = ''] = sentences(error.remedy);
      const settings = { ...settingsIn(change), ...settingsIn(reached) };
      expect(settings).toEqual({
        issuer: world.as.issuer,
        resource: `${mcp.origin}/mcp`,
        tokenEndpoint: `${inner.origin}${new URL(world.as.tokenEndpoint).pathname}`,
      });
      await expect(bot(settings).token('mcp')).resolves.toMatchObject({ issuer: world.as.issuer });
    } finally {
      await inner.close();
    }
  });

  it('has a remedy that ends in a token if it is the IdP', async () => {
    const inner = await innerHost(world.idp.issuer);
    try {
      publish([world.as.issuer]);
      const error = await refusalOf(bot({}, { issuer: inner.origin }).token('mcp'));
      expect(error).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
      const settings = settingsIn(error.remedy);
      expect(settings).toMatchObject({
        issuer: world.idp.issuer,
        tokenEndpoint: expect.stringContaining(inner.origin),
      });
      await expect(bot({}, settings).token('mcp')).resolves.toMatchObject({ issuer: world.as.issuer });
    } finally {
      await inner.close();
    }
  });
});

describe('metadata that cannot be read because of a proxy', () => {
  const ASIDE = { body: 'the proxy is busy', headers: { 'content-type': 'text/html' } };
  const MISNAMED = (body: unknown) => ({ body: JSON.stringify(body), headers: { 'content-type': 'text/plain' } });

  it.each<[string, (document: unknown) => object]>([
    ['502 at every path', () => ({ ...ASIDE, status: 502 })],
    ['JSON as text', MISNAMED],
    ['403 at every path', () => ({ ...ASIDE, status: 403 })],
    ['pages at every path', () => ({ ...ASIDE, body: '<html>' })],
  ])('(%s) of the authorization server has a remedy that ends in a token', async (_what, answer) => {
    publish([world.as.issuer]);
    const { issuer, tokenEndpoint } = world.as;
    world.as.script.always('metadata', () => answer({ issuer, token_endpoint: tokenEndpoint }));
    const error = await refusalOf(bot({}).token('mcp'));
    expect(error.leg).toBe('discover');
    expect(error.remedy).toContain('servers.mcp.tokenEndpoint');
    await expect(bot({ tokenEndpoint }).token('mcp')).resolves.toMatchObject({ issuer });
  });

  it.each<[string, (document: unknown) => object]>([
    ['502 at every path', () => ({ ...ASIDE, status: 502 })],
    ['JSON as text', MISNAMED],
  ])('(%s) of the server has a remedy that ends in a token', async (_what, answer) => {
    const resource = `${mcp.origin}/mcp`;
    const document = { resource, authorization_servers: [world.as.issuer] };
    mcp.route('/.well-known/oauth-protected-resource/mcp', answer(document));
    const error = await refusalOf(bot({ issuer: 'discover' }).token('mcp'));
    expect(error.leg).toBe('discover');
    expect(error.remedy).toContain('servers.mcp.issuer');
    const settings = { issuer: world.as.issuer, ...(error.remedy.includes('.resource') && { resource }) };
    await expect(bot(settings).token('mcp')).resolves.toMatchObject({ resource });
  });
});

describe('an issuer whose host is not known inside the cluster', () => {
  /** A fetch that resolves no host of `unknown`. */
  const without =
    (unknown: string): ServicePrincipalOptions['fetch'] =>
    async (input, init) => {
      if (new URL(input instanceof Request ? input.url : input).origin !== unknown) return fetch(input, init);
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }) });
    };

  it.each(['configured', 'discover'])('has a remedy with the option that pins the token endpoint (%s)', async (how) => {
    publish([world.as.issuer]);
    const inner = await innerHost(world.as.issuer);
    const fetchInside = without(world.as.issuer);
    const issuer = how === 'discover' ? 'discover' : world.as.issuer;
    try {
      const error = await refusalOf(bot({ issuer }, {}, fetchInside).token('mcp'));
      expect(error).toMatchObject({ code: 'unreachable', leg: 'discover', contact: 'you', causeCode: 'ENOTFOUND' });
      expect(error.remedy).toContain(
        'keep servers.mcp.issuer and set servers.mcp.tokenEndpoint to the URL of its token endpoint there',
      );
      const tokenEndpoint = `${inner.origin}${new URL(world.as.tokenEndpoint).pathname}`;
      await expect(bot({ issuer, tokenEndpoint }, {}, fetchInside).token('mcp')).resolves.toMatchObject({
        issuer: world.as.issuer,
      });
    } finally {
      await inner.close();
    }
  });

  it('has a remedy with the option that pins the token endpoint of the IdP', async () => {
    publish([world.as.issuer]);
    const error = await refusalOf(bot({}, {}, without(world.idp.issuer)).token('mcp'));
    expect(error).toMatchObject({ code: 'unreachable', contact: 'you' });
    expect(error.remedy).toContain('keep idp.issuer and set idp.tokenEndpoint');
  });

  it('has this remedy too if only the discovered token endpoint has an unknown host', async () => {
    const elsewhere = 'https://outer.example';
    const inner = await startPeer({
      '/.well-known/oauth-authorization-server': () => ({
        body: { issuer: inner.origin, token_endpoint: `${elsewhere}/token` },
      }),
    });
    try {
      publish([inner.origin]);
      const error = await refusalOf(
        bot({ issuer: inner.origin, flow: 'client-credentials' }, {}, without(elsewhere)).token('mcp'),
      );
      expect(error).toMatchObject({ code: 'unreachable', leg: 'redeem', causeCode: 'ENOTFOUND' });
      expect(error.remedy).toContain('keep servers.mcp.issuer and set servers.mcp.tokenEndpoint');
    } finally {
      await inner.close();
    }
  });
});

it('an issuer with a prefix in its path inside the cluster has a remedy with both options', async () => {
  const outer = 'https://sso.example/realms/a';
  const inner = await startPeer({
    '*': { body: { issuer: outer, token_endpoint: `${outer}/protocol/token` } },
  });
  try {
    publish([outer]);
    const issuer = `${inner.origin}/auth/realms/a`;
    const listed = await refusalOf(bot({ issuer }).token('mcp'));
    expect(listed).toMatchObject({ code: 'issuer_mismatch', contact: 'you' });
    expect(listed.remedy).toContain(`set servers.mcp.issuer to "${outer}", and servers.mcp.tokenEndpoint`);
    const { remedy } = await refusalOf(bot({ issuer, resource: `${mcp.origin}/mcp` }).token('mcp'));
    expect(settingsIn(remedy)).toMatchObject({ issuer: outer, tokenEndpoint: `${issuer}/protocol/token` });
  } finally {
    await inner.close();
  }
});
