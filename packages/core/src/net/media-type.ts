/** The media types that servers send by mistake, and those that they should send. Any other one is text that the peer chose. */
const ORDINARY: ReadonlySet<string> = new Set([
  'application/javascript',
  'application/json',
  'application/json-rpc',
  'application/jsonrequest',
  'application/jwt',
  'application/ld+json',
  'application/octet-stream',
  'application/problem+json',
  'application/x-javascript',
  'application/x-json',
  'application/x-www-form-urlencoded',
  'application/xhtml+xml',
  'application/xml',
  'binary/octet-stream',
  'multipart/form-data',
  'text/event-stream',
  'text/html',
  'text/javascript',
  'text/json',
  'text/plain',
  'text/x-json',
  'text/xml',
]);

/** Describes the content type of a response for a message. Only an ordinary media type is quoted, without its parameters. */
export function shownContentType(headers: Headers): string {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === '') return 'no content type';
  return ORDINARY.has(type) ? `the content type "${type}"` : 'an unusual content type';
}
