import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response as ExpressResponse } from 'express';
import type { SandboxMcpHandler } from '../world/server.ts';
import type { VerifiedRequest } from './source.ts';

/** Answers requests of Express with a function from a Web Request to a Response. */
export function serveHandler(
  handler: SandboxMcpHandler,
): (request: VerifiedRequest, response: ExpressResponse) => Promise<void> {
  return async (request, response) => {
    const { auth } = request;
    if (auth === undefined) throw new Error('the access token was not verified');
    const left = new AbortController();
    response.once('close', () => left.abort());
    const hasBody = request.method === 'POST';
    const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    );
    const answer = await handler.fetch(
      new Request(`http://${request.headers.host ?? '127.0.0.1'}${request.originalUrl}`, {
        method: request.method,
        headers,
        signal: left.signal,
        ...(hasBody && { body: JSON.stringify(request.body) }),
      }),
      { authInfo: auth, ...(hasBody && { parsedBody: request.body as unknown }) },
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    // the headers of an event stream are sent before its first event
    response.flushHeaders();
    if (answer.body === null) {
      response.end();
      return;
    }
    // an error here means that the client or the server ended the stream, and there is nobody left to tell
    await pipeline(Readable.fromWeb(answer.body as never), response).catch(() => undefined);
  };
}
