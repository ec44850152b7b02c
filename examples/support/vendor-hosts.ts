import type { IncomingMessage, ServerResponse } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import type { FetchLike } from '@credence/core';
import { SignJWT } from 'jose';
import { listen } from './listen.ts';

/** A request that was posted to a token endpoint. */
export interface PostedForm {
  readonly url: string;
  readonly form: Readonly<Record<string, string>>;
}

/** A token for the examples: the user or the workload is a name, and nobody verifies the signature. */
export async function exampleToken(claims: Record<string, unknown>, typ = 'JWT'): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwt = new SignJWT({ jti: crypto.randomUUID(), ...claims }).setProtectedHeader({ alg: 'ES256', typ });
  return jwt.setIssuedAt().setExpirationTime('5m').sign(privateKey);
}

/**
 * The hosts of vendors, on loopback: `fetch` sends each request to one server, which answers as a token endpoint of an IdP or an
 * authorization server. It grants everything, so that the examples show the requests. `mcpServers` has the issuer of the authorization
 * server of each MCP server. `clientIds` has the client id of the bot at each authorization server, for the ID-JAG.
 */
export async function startVendorHosts(options: {
  mcpServers: Readonly<Record<string, string>>;
  clientIds?: Readonly<Record<string, string>>;
  idp?: string;
}) {
  const posted: PostedForm[] = [];
  const answer = async (url: URL, form: Record<string, string>): Promise<object | undefined> => {
    if (url.pathname.startsWith('/.well-known/oauth-protected-resource')) {
      const resource = `${url.origin}${url.pathname.replace('/.well-known/oauth-protected-resource', '')}`;
      return { resource, authorization_servers: [options.mcpServers[resource]] };
    }
    const metadata = /^\/\.well-known\/oauth-authorization-server(?<path>\/.*)?$/u.exec(url.pathname);
    if (metadata) {
      const issuer = `${url.origin}${metadata.groups?.['path'] ?? ''}`;
      return { issuer, token_endpoint: `${issuer}/v1/token` };
    }
    if (form['grant_type'] === undefined) return undefined;
    posted.push({ url: url.href, form });
    const { audience = '', resource, scope, requested_token_type: type } = form;
    if (type === undefined)
      return { access_token: await exampleToken({ scope }), token_type: 'Bearer', expires_in: 300 };
    const clientId = options.clientIds?.[audience];
    const claims = { iss: options.idp, sub: 'reporting-bot', aud: audience, client_id: clientId, resource, scope };
    const idJag = await exampleToken(claims, 'oauth-id-jag+jwt');
    return { access_token: idJag, issued_token_type: type, token_type: 'N_A', expires_in: 300 };
  };
  const server = await listen();
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const url = new URL(`https:/${request.url ?? '/'}`);
    const json = await answer(url, Object.fromEntries(new URLSearchParams(body)));
    response.writeHead(json ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(json ?? {}));
  };
  server.serve((request, response) => void serve(request, response));
  const routed: FetchLike = async (input, init) => {
    const { host, pathname, search } = new URL(input instanceof Request ? input.url : input);
    return fetch(`${server.origin}/${host}${pathname}${search}`, init);
  };
  return { fetch: routed, posted, close: () => server.close() };
}
