import { verifyIdJag } from '@credence/authorization-server';
import { clientSecret, type McpServerOptions, ServicePrincipal } from '@credence/core';
import { accessTokenVerifier } from '@credence/resource-server';
import { describe, expect, it } from '@jest/globals';
import { generateKeyPair, SignJWT } from 'jose';
import { refusalOf } from '../support/evidence.ts';
import { HOSTILE_HOSTS } from '../support/hostile-addresses.ts';

const IDP = 'https://idp.example';
const AS = 'https://as.example';
const MCP = 'https://mcp.example/mcp';
const PRM = 'https://mcp.example/.well-known/oauth-protected-resource/mcp';
const IDP_METADATA = `${IDP}/.well-known/oauth-authorization-server`;
const AS_METADATA = `${AS}/.well-known/oauth-authorization-server`;
const KEYS = await generateKeyPair('ES256');

/** A fetch function that serves the given JSON documents, responds 404 to any other URL, and records each requested URL. */
function network(documents: Record<string, unknown>, challenge?: string) {
  const requested: string[] = [];
  const fetch = async (input: string | URL | Request) => {
    const { url } = new Request(input);
    requested.push(url);
    if (url === MCP && challenge !== undefined) {
      return new Response('', { status: 401, headers: { 'www-authenticate': challenge } });
    }
    return documents[url] === undefined ? new Response('', { status: 404 }) : Response.json(documents[url]);
  };
  return { fetch, requested };
}

async function refusedBot(peers: ReturnType<typeof network>, server: Partial<McpServerOptions> = {}) {
  const bot = new ServicePrincipal({
    idp: { issuer: IDP, credential: clientSecret({ clientId: 'bot', secret: 'idp-secret' }) },
    servers: {
      mcp: { url: MCP, issuer: AS, credential: clientSecret({ clientId: 'a1', secret: 'as-secret' }), ...server },
    },
    fetch: peers.fetch,
  });
  return refusalOf(bot.token('mcp'));
}

/** Expects that all requests went to one of the three configured hosts. */
function expectOnlyPublicRequests(requested: readonly string[]): void {
  const hosts = new Set(requested.map((url) => new URL(url).hostname));
  expect([...hosts].filter((host) => !['idp.example', 'as.example', 'mcp.example'].includes(host))).toEqual([]);
}

const prm = (issuer: string) => ({ resource: MCP, authorization_servers: [issuer] });
const metadata = (issuer: string, tokenEndpoint = `${issuer}/token`) => ({ issuer, token_endpoint: tokenEndpoint });
const GOOD = { [PRM]: prm(AS), [IDP_METADATA]: metadata(IDP), [AS_METADATA]: metadata(AS) };

describe.each(HOSTILE_HOSTS)('the host %s', (host) => {
  const url = `https://${host}/x`;

  it("is refused as token_endpoint of the IdP's metadata", async () => {
    const peers = network({ ...GOOD, [IDP_METADATA]: metadata(IDP, url) });
    expect(await refusedBot(peers)).toMatchObject({ code: 'forbidden_url', leg: 'discover', contact: 'idp-admin' });
    expectOnlyPublicRequests(peers.requested);
  });

  it("is refused as token_endpoint of the authorization server's metadata", async () => {
    const peers = network({ ...GOOD, [AS_METADATA]: metadata(AS, url) });
    expect(await refusedBot(peers)).toMatchObject({ code: 'forbidden_url', leg: 'discover', contact: 'server-owner' });
    expectOnlyPublicRequests(peers.requested);
  });

  it("is refused as authorization server in the MCP server's metadata", async () => {
    const peers = network({ ...GOOD, [PRM]: prm(`https://${host}`) });
    const refusal = await refusedBot(peers, { issuer: 'discover' });
    expect(refusal).toMatchObject({ code: 'forbidden_url', leg: 'discover', contact: 'server-owner' });
    expectOnlyPublicRequests(peers.requested);
  });

  it('is not requested as resource_metadata of a challenge', async () => {
    const { [PRM]: _missing, ...rest } = GOOD;
    const peers = network(rest, `Bearer resource_metadata="${url}"`);
    expect(await refusedBot(peers, { issuer: 'discover' })).toMatchObject({
      code: 'metadata_not_found',
      leg: 'discover',
      contact: 'server-owner',
    });
    expect(peers.requested).toContain(MCP);
    expectOnlyPublicRequests(peers.requested);
  });

  it("is refused as jwks_uri of the IdP's metadata when an ID-JAG is verified", async () => {
    const peers = network({ [IDP_METADATA]: { issuer: IDP, jwks_uri: url } });
    const idJag = await new SignJWT({ client_id: 'a1' })
      .setProtectedHeader({ alg: 'ES256', kid: '1', typ: 'oauth-id-jag+jwt' })
      .setIssuer(IDP)
      .sign(KEYS.privateKey);
    const options = { issuers: { [IDP]: {} }, audience: AS, clientId: 'a1', fetch: peers.fetch };
    await expect(verifyIdJag(idJag, options)).rejects.toMatchObject({
      code: 'keys_unavailable',
      detail: expect.stringContaining('jwks_uri may not be requested'),
    });
    expectOnlyPublicRequests(peers.requested);
  });

  it("is refused as jwks_uri of the authorization server's metadata when an access token is verified", async () => {
    const peers = network({ [AS_METADATA]: { issuer: AS, jwks_uri: url } });
    const token = await new SignJWT({ client_id: 'a1', scope: 'x' })
      .setProtectedHeader({ alg: 'ES256', kid: '1', typ: 'at+jwt' })
      .setIssuer(AS)
      .setAudience(MCP)
      .sign(KEYS.privateKey);
    const verifier = accessTokenVerifier({ issuer: AS, resource: MCP, jwt: {}, fetch: peers.fetch });
    await expect(verifier.verifyAccessToken(token)).rejects.toMatchObject({
      reason: expect.stringContaining('jwks_uri may not be requested'),
    });
    expectOnlyPublicRequests(peers.requested);
  });

  it("is refused as introspection_endpoint of the authorization server's metadata", async () => {
    const peers = network({ [AS_METADATA]: { issuer: AS, introspection_endpoint: url } });
    const introspection = { clientId: 'mcp-server', clientSecret: 'secret' };
    const verifier = accessTokenVerifier({ issuer: AS, resource: MCP, introspection, fetch: peers.fetch });
    await expect(verifier.verifyAccessToken('opaque')).rejects.toMatchObject({
      reason: expect.stringContaining('introspection_endpoint may not be requested'),
    });
    expectOnlyPublicRequests(peers.requested);
  });
});
