import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { VerifiedRequest } from './source.ts';

/** Headers of one connection (RFC 9110 section 7.6.1), and those that the next hop gets anew. */
const NOT_FORWARDED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** The access token is for the sandbox's gate. The server behind it gets none, because MCP forbids to pass tokens on. */
const OF_THE_GATE = new Set(['authorization', 'dpop']);

/** Forwards requests to a running server, without the access token. */
export function forwardTo(name: string, url: URL): (request: VerifiedRequest, response: Response) => Promise<void> {
  return async (request, response) => {
    const body = request.method === 'POST' ? JSON.stringify(request.body) : undefined;
    let answer: IncomingMessage;
    try {
      answer = await send(url, request, response, body);
    } catch {
      if (!response.destroyed) unavailable(response, `The server "${name}" does not answer at its url`);
      return;
    }
    if (answer.statusCode === 401) {
      answer.resume();
      unavailable(response, `The server "${name}" wants a token of its own: set gate to "own"`);
      return;
    }
    response.writeHead(answer.statusCode ?? 502, kept(answer.headers, NOT_FORWARDED));
    response.flushHeaders();
    await pipeline(answer, response).catch(() => undefined);
  };
}

function send(
  url: URL,
  request: VerifiedRequest,
  response: Response,
  body: string | undefined,
): Promise<IncomingMessage> {
  const headers: OutgoingHttpHeaders = kept(request.headers, NOT_FORWARDED, OF_THE_GATE);
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = start(url, { method: request.method, headers }, resolve);
    outgoing.once('error', reject);
    response.once('close', () => outgoing.destroy());
    outgoing.end(body);
  });
}

function kept(headers: IncomingMessage['headers'], ...without: ReadonlySet<string>[]): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !without.some((names) => names.has(name))));
}

function unavailable(response: Response, message: string): void {
  response.status(502).json({ jsonrpc: '2.0', error: { code: -32_603, message }, id: null });
}
