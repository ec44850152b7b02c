import type { Clock } from '@credence/core';
import { scopesNotIn } from '@credence/protocol';
import { documentRoute } from '../http/metadata-routes.ts';
import { jsonResponse } from '../http/responses.ts';
import type { Incoming, Route, RouteEntry } from '../http/route.ts';
import type { FakeCaller } from '../settings/options.ts';
import type { ServerSettings, Settings } from '../settings/settings.ts';
import type { AccessTokens, IssuedToken } from '../tokens/access-tokens.ts';
import { challenge, metadataUrl } from './challenge.ts';
import { admitted, presentedToken } from './gate.ts';
import { messagesIn, type RpcMessage } from './json-rpc.ts';
import { answerTo } from './tool-server.ts';

/** What the MCP servers need besides the request. */
export interface McpContext {
  readonly settings: Settings;
  readonly tokens: AccessTokens;
  readonly clock: Clock;
}

/** The URLs of all MCP servers: their metadata (RFC 9728), and Streamable HTTP. */
export function mcpRoutes(context: McpContext): readonly RouteEntry[] {
  return [...context.settings.servers.values()].flatMap((server) => [
    [metadataUrl(server), documentRoute(() => resourceMetadata(server), { server: server.name })] as const,
    [withoutQuery(server.url), callRoute(server, context)] as const,
  ]);
}

function resourceMetadata({ resource, issuer, scopes, requireDpop }: ServerSettings) {
  return {
    resource,
    authorization_servers: [issuer],
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
    dpop_bound_access_tokens_required: requireDpop,
  };
}

function callRoute(server: ServerSettings, context: McpContext): Route {
  return {
    facts(incoming) {
      const presented = presentedToken(incoming);
      const [message] = messagesIn(incoming.body) ?? [];
      return {
        leg: 'call',
        server: server.name,
        principal: presented && context.tokens.find(presented.value)?.principal,
        parameters: message === undefined ? {} : shownMessage(message),
      };
    },
    async handle(incoming) {
      const token = await admitted(incoming, server, context);
      if (token === undefined) return challenge(server, presentedToken(incoming) ? 'invalid_token' : undefined);
      const calls = (messagesIn(incoming.body) ?? []).filter(({ method }) => method === 'tools/call');
      if (calls.length > 0 && token.toolCalls >= server.revokeAfterCalls) {
        token.isRevoked = true;
        return challenge(server, 'invalid_token');
      }
      const missing = scopesNotIn(
        calls.flatMap((call) => toolScopes(call, server)),
        token.scopes,
      );
      if (missing.length > 0) return challenge(server, 'insufficient_scope', { scope: missing.join(' ') });
      token.toolCalls += calls.length;
      return served(incoming, server, callerOf(token));
    },
    refuse: (error, details) => challenge(server, error, details),
  };
}

async function served(incoming: Incoming, server: ServerSettings, caller: FakeCaller): Promise<Response> {
  if (server.handler !== undefined) return server.handler(incoming.toRequest(), caller);
  // The fake has no stream and no session: the MCP specification lets a server answer 405 to GET and DELETE.
  if (incoming.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
  const messages = messagesIn(incoming.body);
  if (messages === undefined) {
    return jsonResponse({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error' } }, { status: 400 });
  }
  const answers = await Promise.all(messages.map((message) => answerTo(message, server, caller)));
  const sent = answers.filter((answer) => answer !== undefined);
  const [first] = sent;
  if (first === undefined) return new Response(null, { status: 202 });
  return sent.length === 1
    ? jsonResponse(first)
    : new Response(JSON.stringify(sent), { headers: { 'content-type': 'application/json' } });
}

function toolScopes({ params }: RpcMessage, { tools }: ServerSettings): readonly string[] {
  return tools?.get(String(params['name']))?.scopes ?? [];
}

function callerOf({ principal, subject, scopes, actor }: IssuedToken): FakeCaller {
  return { principal, subject, scopes, ...(actor !== undefined && { actor }) };
}

function shownMessage({ method, params }: RpcMessage): Readonly<Record<string, unknown>> {
  return method === 'tools/call' ? { method, tool: params['name'], arguments: params['arguments'] } : { method };
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
