import type { AnswerEdit, FakeAnswer } from '../answers/answer.ts';

/** A JSON response of a token endpoint or of metadata. */
export function jsonResponse(
  body: Readonly<Record<string, unknown>>,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  });
}

/** The error response of a token endpoint (RFC 6749 section 5.2). */
export function oauthError(
  error: string,
  { description, status = statusOf(error) }: { description?: string | undefined; status?: number | undefined } = {},
): Response {
  return jsonResponse({ error, ...(description !== undefined && { error_description: description }) }, { status });
}

function statusOf(error: string): number {
  if (error === 'invalid_client') return 401;
  if (error === 'temporarily_unavailable') return 503;
  return error === 'server_error' ? 500 : 400;
}

/** The Response for a recorded answer. */
export function responseFor({ status, headers = {}, body }: FakeAnswer): Response {
  if (body === undefined || [204, 205, 304].includes(status)) return new Response(null, { status, headers });
  const isText = typeof body === 'string';
  const sent = new Headers(headers);
  if (!sent.has('content-type')) sent.set('content-type', isText ? 'text/plain' : 'application/json');
  return new Response(isText ? body : JSON.stringify(body), { status, headers: sent });
}

/** The response with other members in its JSON body. A response without a JSON object stays as it is. */
export async function edited(response: Response, { members }: AnswerEdit): Promise<Response> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return response;
  // JSON.stringify leaves out members that are undefined.
  return new Response(JSON.stringify({ ...body, ...members }), { status: response.status, headers: response.headers });
}
